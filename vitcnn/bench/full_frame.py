"""Builds the subject of a full-frame case: a convolutional model takes a frame on the device, at once or in strips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vitcnn.architectures import architecture
from vitcnn.bench.bench import Bench
from vitcnn.bench.models import WEIGHTS_SEED, model_settings, random_model
from vitcnn.bench.rounds import timed
from vitcnn.bench.subject import Subject
from vitcnn.bench.tiles import FEW_ROUNDS
from vitcnn.errors import NotMeasurable, UserError
from vitcnn.inference import FullFrame, for_inference
from vitcnn.inference.forward import memory_format
from vitcnn.tasks import real_images

if TYPE_CHECKING:
    from vitcnn.questions.full_frame import FullFrameCase

NARROW_PX = 256
"""The frame of which the time of a whole one is estimated is this wide."""


def full_frame_subject(case: FullFrameCase, bench: Bench) -> Subject:
    """Return the subject whose run classifies the frame; NotMeasurable where the model sees all of it."""
    device, entry, shape = bench.device, architecture(case.architecture), real_images.input_shape(case.input_px)
    layout, model = memory_format(entry), random_model(entry, shape, device)
    settings = model_settings(entry, shape, model)
    ready = for_inference(model, device=device, layout=layout, precision=case.precision, mode="eager")
    frame = torch.from_numpy(real_images.frame(width=case.width, height=case.height)).to(device.name)
    narrow = frame[:, :, :NARROW_PX]
    size = {"height": case.height, "width": case.width}
    try:
        reader = FullFrame(ready, **size, layout=layout, mode=case.mode, strip_px=case.strip_px)
    except UserError as error:
        raise NotMeasurable(f"{case.architecture} cannot take a frame whole: {error}") from error

    of_narrow = reader.of_width(narrow.shape[2])

    def run() -> Tensor:
        return reader.frame(frame)

    def run_narrow() -> Tensor:
        return of_narrow.frame(narrow)

    def warm_up() -> tuple[int, int]:
        """Read a narrow frame twice, and return the plan by its share of the frame."""
        run_narrow()
        return FEW_ROUNDS.plan(timed(run_narrow, device.timer) * case.width / narrow.shape[2])

    field = reader.field
    return Subject(
        case=case,
        architecture=entry,
        device=device,
        shape=shape,
        model=ready,
        run=run,
        warm_up=warm_up,
        images_per_run=1,
        counted=lambda: run_narrow,
        forwards_per_run=case.width * case.height / shape.px**2,
        settings={
            **settings,
            "seed": WEIGHTS_SEED,
            "num_strips": len(reader.plan.strips),
            "num_pixels": reader.num_pixels,
            "receptive_field_px": field.px,
            "stride_px": field.stride,
        },
    )
