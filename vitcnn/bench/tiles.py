"""Builds the subject of a tiled case: what a model says of the tiles of one frame that is on the device."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from vitcnn.architectures import architecture
from vitcnn.bench.bench import Bench
from vitcnn.bench.models import WEIGHTS_SEED, model_settings, random_model
from vitcnn.bench.rounds import Rounds, require_finite
from vitcnn.bench.subject import Subject
from vitcnn.fields import step_px
from vitcnn.inference import Tiler, for_inference
from vitcnn.inference.forward import memory_format
from vitcnn.inference.tiling import dense_model, prefetched
from vitcnn.tasks import real_images

if TYPE_CHECKING:
    from vitcnn.questions.tiled import TiledCase

FEW_ROUNDS = Rounds(at_least=1, at_most=20, budget_s=8.0)


def tiled_subject(case: TiledCase, bench: Bench) -> Subject:
    """Return the subject whose run reads a frame, or a stream of them."""
    device, entry, shape = bench.device, architecture(case.architecture), real_images.input_shape(case.tile_px)
    layout, model = memory_format(entry), random_model(entry, shape, device)
    settings = model_settings(entry, shape, model)
    read_by: nn.Module = dense_model(model.eval(), shape) if case.way == "dense" else model
    ready = for_inference(read_by, device=device, layout=layout, precision=case.precision, mode=case.mode)
    is_static = case.mode == "compiled"
    tiler = Tiler(
        model=ready, tile_px=case.tile_px, overlap=case.overlap, batch=case.batch, layout=layout, static=is_static
    )
    frame = frame_of(case, width=case.width, height=case.height)
    on_device = frame.to(device.name)
    num_tiles = len(tiler.grid_of(frame).corners)
    read = tiler.dense if case.way == "dense" else tiler.tiles

    def run() -> Tensor:
        if case.way != "stream":
            return read(on_device)
        return torch.stack([read(one) for one in stream()])

    def stream() -> Iterator[Tensor]:
        return prefetched([frame.permute(1, 2, 0).numpy()] * case.frames_per_run, device)

    def warm_up() -> tuple[int, int]:
        """Read a batch of tiles twice, and the smaller one that ends a frame; return the plan by their share of it.

        A stream runs once without being read: then the pinned memory that its copies go through is there.
        """
        if case.way == "stream":
            deque(stream(), maxlen=0)
        sizes = {num_tiles % case.batch or case.batch, min(case.batch, num_tiles)}
        seconds = 0.0
        for size in [*sorted(sizes), max(sizes)]:
            part = row_of(case, size).to(device.name)
            start = device.timer()
            answers = read(part)
            seconds = (device.timer() - start) / size * num_tiles
            require_finite(answers)
        return FEW_ROUNDS.plan(seconds * case.frames_per_run)

    def counted() -> Callable[[], object]:
        """Return what reads two tiles, in one batch: the whole frame would take seconds more."""
        two = row_of(case, 2).to(device.name)
        return lambda: read(two)

    return Subject(
        case=case,
        architecture=entry,
        device=device,
        shape=shape,
        model=ready,
        run=run,
        warm_up=warm_up,
        images_per_run=case.frames_per_run,
        counted=counted,
        forwards_per_run=num_tiles * case.frames_per_run,
        settings={**settings, "seed": WEIGHTS_SEED, "num_tiles": num_tiles, "frames_per_run": case.frames_per_run},
    )


def row_of(case: TiledCase, count: int) -> Tensor:
    """Return a frame of one row of `count` tiles."""
    width = case.tile_px + (count - 1) * step_px(case.tile_px, case.overlap)
    return frame_of(case, width=width, height=case.tile_px)


def frame_of(case: TiledCase, *, width: int, height: int) -> Tensor:
    """Return a frame, uint8 (3, height, width); those of a stream lie pixel by pixel, as decoders write them."""
    frame = torch.from_numpy(real_images.frame(width=width, height=height))
    return frame.permute(1, 2, 0).contiguous().permute(2, 0, 1) if case.way == "stream" else frame
