"""Chooses how many tiles go through a model at once, by what memory one and two of them are measured to take."""

from __future__ import annotations

import torch
from torch import nn

from vitcnn.device import Device, free_bytes, peak_bytes
from vitcnn.errors import UserError
from vitcnn.inference.tiling.blending import blending_bytes
from vitcnn.inference.tiling.grid import TileGrid

SHARE_OF_FREE = 0.5
"""How much of the free memory tiles may take where nobody says."""

MOST = {"cpu": 8, "cuda": 64}
"""More tiles at once were never faster."""


def batch_within(
    memory_bytes: int | None,
    model: nn.Module,
    grid: TileGrid,
    device: Device,
    *,
    channels: int = 3,
    layout: torch.memory_format = torch.contiguous_format,
    is_dense: bool = False,
) -> int:
    """Return how many tiles of a grid a model in inference can be given at once.

    The forward of one tile and of two is measured; the peak grows by the same amount with each tile more. The budget is
    for tiles, forward and, of dense output, blending, but not for weights, frame and result; None is half of the free
    memory. UserError where one tile alone takes more.
    """
    if memory_bytes is None:
        memory_bytes = int(SHARE_OF_FREE * free_bytes(device))
    parameter = next(model.parameters(), torch.empty(0, device=device.name))
    blending = blending_bytes(grid) if is_dense else 0

    def peak_of(count: int) -> int:
        shape = (count, channels, grid.tile_px, grid.tile_px)
        tiles = torch.rand(shape, device=device.name).to(parameter.dtype, memory_format=layout)
        with torch.inference_mode():
            model(tiles)  # what only a first call takes
            return tiles.nbytes + blending + peak_bytes(device, lambda: model(tiles))

    one = peak_of(1)
    if one > memory_bytes:
        do = "Give it more memory, or choose smaller tiles or another architecture."
        needed = f"at least {one:,} bytes, which one tile of {grid.tile_px} px takes"
        raise UserError(field="memory", value=f"{memory_bytes:,} bytes", allowed=needed, do=do)
    each = max(1, peak_of(2) - one)
    return min(MOST[device.kind], len(grid.corners), 1 + (memory_bytes - one) // each)
