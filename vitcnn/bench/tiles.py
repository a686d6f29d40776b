"""Builds the subject of a tiled case: it classifies every tile of one frame that is on the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vitcnn.architectures import architecture
from vitcnn.bench.bench import Bench
from vitcnn.bench.models import WEIGHTS_SEED, model_settings, random_model
from vitcnn.bench.rounds import Rounds, require_finite
from vitcnn.bench.subject import Subject
from vitcnn.fields import step_px
from vitcnn.images import normalize
from vitcnn.inference import TileGrid, for_inference, tile_logits
from vitcnn.inference.forward import DTYPES, memory_format
from vitcnn.tasks import real_images

if TYPE_CHECKING:
    from vitcnn.questions.tiled import TiledCase

FEW_ROUNDS = Rounds(at_least=1, at_most=20, budget_s=8.0)


def tiled_subject(case: TiledCase, bench: Bench) -> Subject:
    """Return the subject whose run classifies all tiles."""
    device, entry, shape = bench.device, architecture(case.architecture), real_images.input_shape(case.tile_px)
    layout, dtype = memory_format(entry), DTYPES[case.precision]
    grid = TileGrid(width=case.width, height=case.height, tile_px=case.tile_px, overlap=case.overlap)
    model = for_inference(
        random_model(entry, shape, device), device=device, layout=layout, precision=case.precision, mode=case.mode
    )
    frame = torch.from_numpy(real_images.frame(width=case.width, height=case.height)).to(device.name)

    def forward(tiles: Tensor) -> Tensor:
        return model(tiles.to(dtype, memory_format=layout))

    def run() -> Tensor:
        with torch.inference_mode():
            return tile_logits(forward, frame, grid, batch=case.batch)

    def warm_up() -> tuple[int, int]:
        """Run one batch of tiles twice, and the smaller one that ends a frame; a frame's share of tiles is its time."""
        sizes = {len(grid.corners) % case.batch or case.batch, min(case.batch, len(grid.corners))}
        seconds = 0.0
        with torch.inference_mode():
            for size in [*sorted(sizes), max(sizes)]:
                tiles = normalize(torch.stack([frame[:, : case.tile_px, : case.tile_px]] * size))
                start = device.timer()
                logits = forward(tiles)
                seconds = (device.timer() - start) / size * len(grid.corners)
                require_finite(logits)
        return FEW_ROUNDS.plan(seconds)

    def counted() -> Callable[[], object]:
        """Return what classifies the frame's first two tiles, in one batch: the whole frame would take seconds more."""
        width = min(case.width, case.tile_px + step_px(case.tile_px, case.overlap))
        two, part = replace(grid, width=width, height=case.tile_px), frame[:, : case.tile_px, :width]

        def run_two() -> Tensor:
            with torch.inference_mode():
                return tile_logits(forward, part, two, batch=len(two.corners))

        return run_two

    return Subject(
        case=case,
        architecture=entry,
        device=device,
        shape=shape,
        model=model,
        run=run,
        warm_up=warm_up,
        images_per_run=1,
        counted=counted,
        settings={
            **model_settings(entry, shape, model),
            "seed": WEIGHTS_SEED,
            "num_tiles": len(grid.corners),
        },
    )
