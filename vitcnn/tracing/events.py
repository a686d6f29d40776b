"""Writes what TensorBoard shows beside traces: scalars, texts, images and hyper-parameters, one whole file a folder."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path

from vitcnn.folders import write_whole
from vitcnn.tracing.shown import Shown

EVENTS = "events.out.tfevents.vitcnn"
"""By its first words TensorBoard knows the file. A later run of the same case replaces it."""

VERSION = "brain.Event:2"


def write_events(shown: Shown, folder: Path) -> Path:
    """Write what TensorBoard shows of `folder` into it, and return the file; OSError where there is no space."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    content, now = BytesIO(), time.time()
    writer = RecordWriter(content)
    writer.write(Event(wall_time=now, file_version=VERSION).SerializeToString())
    for step, summary in summaries(shown):
        writer.write(Event(wall_time=now, step=step, summary=summary).SerializeToString())
    write_whole(folder / EVENTS, content.getvalue())
    return folder / EVENTS


def summaries(shown: Shown) -> Iterator[tuple[int, object]]:
    """Yield what there is to show in TensorBoard's own form, with the step that it belongs to."""
    from torch.utils.tensorboard import summary

    if shown.hyperparameters:
        for part in summary.hparams(dict(shown.hyperparameters), dict(shown.metrics)):
            yield 0, part
    for tag, values in {**shown.scalars, **{tag: {0: value} for tag, value in shown.metrics.items()}}.items():
        for step, value in values.items():
            yield step, summary.scalar(tag, value)
    for tag, text in shown.texts.items():
        yield 0, summary.text(tag, text)
    for tag, content in shown.images.items():
        yield 0, summary.image(tag, pixels(content), dataformats="HWC")


def pixels(png: bytes) -> object:
    """Return the pixels of a PNG file, uint8 (height, width, 3)."""
    import numpy as np
    from PIL import Image

    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


def write_study(shown: Mapping[Path, Shown], folder: Path) -> Sequence[Path]:
    """Write the events of each folder below `folder`; return the files."""
    return [write_events(one, folder / below) for below, one in shown.items()]
