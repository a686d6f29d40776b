"""Cuts tiles out of a frame of bytes, as normalised floats, where the model reads them: in one pass over each."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vitcnn.inference.tiling.grid import TileGrid

SCALE = 2 / 255
"""What a byte, 0..255, is multiplied by, and 1 taken off, to be one of a model's values, -1..1."""


def extract(frame: Tensor, grid: TileGrid, corners: Sequence[tuple[int, int]], out: Tensor) -> None:
    """Write the tiles of `frame`, uint8 (channels, height, width), that begin at `corners` to `out`.

    `out` is of floats, (tiles, channels, tile_px, tile_px), on the frame's device, in any layout. Values are -1..1, and
    0 outside of the frame.
    """
    black = torch.full((), -1.0, device=frame.device)  # `torch.tensor` would copy it, and wait for the GPU
    for slot, (top, left) in zip(out, corners, strict=True):
        box = grid.box(top, left)
        inside = slot[:, box.top - top : box.bottom - top, box.left - left : box.right - left]
        if inside.shape != slot.shape:
            slot.zero_()
        part = frame[:, box.top : box.bottom, box.left : box.right]
        if frame.stride(2) == 1 and out.stride(3) != 1 and not frame.is_cuda:
            for plane, channel in zip(part, inside, strict=True):  # from planes to pixels: by rows, which are long
                torch.add(black, plane, alpha=SCALE, out=channel)
        else:
            torch.add(black, part, alpha=SCALE, out=inside)
