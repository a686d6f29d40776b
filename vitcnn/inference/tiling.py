"""Cuts a frame larger than a model's input into overlapping tiles and classifies each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vitcnn.fields import require_tiles, step_px
from vitcnn.images import normalize


@dataclass(frozen=True, kw_only=True)
class TileGrid:
    """Square tiles that cover a frame. Neighbours overlap by at least `overlap` (a share of the tile).

    Tiles step by `tile_px * (1 - overlap)`, rounded down; the last of each row and column ends at the frame's edge.
    """

    width: int
    height: int
    tile_px: int
    overlap: float

    def __post_init__(self) -> None:
        require_tiles(width=self.width, height=self.height, tile_px=self.tile_px, overlap=self.overlap)

    @property
    def corners(self) -> tuple[tuple[int, int], ...]:
        """The (top, left) corner of each tile in pixels, row by row."""
        tops, lefts = (starts(length, self.tile_px, self.overlap) for length in (self.height, self.width))
        return tuple((top, left) for top in tops for left in lefts)


def starts(length: int, tile_px: int, overlap: float) -> tuple[int, ...]:
    """Return where the tiles begin along one axis of `length` pixels."""
    last = length - tile_px
    return (*range(0, last, step_px(tile_px, overlap)), last)


def tile_logits(forward: Callable[[Tensor], Tensor], frame: Tensor, grid: TileGrid, *, batch: int) -> Tensor:
    """Classify every tile of `frame`, uint8 (channels, height, width), in batches of `batch`.

    Returns (tiles, classes), in the order of `grid.corners`. `forward` takes normalised float32 tiles.
    """
    px, corners = grid.tile_px, grid.corners
    logits = []
    for first in range(0, len(corners), batch):
        tiles = [frame[:, top : top + px, left : left + px] for top, left in corners[first : first + batch]]
        logits.append(forward(normalize(torch.stack(tiles))))
    return torch.cat(logits)
