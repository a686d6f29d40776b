"""Cuts a frame larger than a model's input into overlapping tiles and classifies each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vitcnn.errors import UserError
from vitcnn.inference.forward import normalize


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
        shorter = min(self.width, self.height)
        if not 1 <= self.tile_px <= shorter:
            allowed = f"1 to {shorter}, the shorter side of the {self.width}x{self.height} frame"
            raise UserError(field="tile_px", value=self.tile_px, allowed=allowed, do="Choose smaller tiles.")
        if not 0 <= self.overlap < 1 or step_px(self.tile_px, self.overlap) < 1:
            allowed = "0 <= overlap < 1, leaving a step of at least one pixel"
            raise UserError(field="overlap", value=self.overlap, allowed=allowed, do="0.1 is usual.")

    @property
    def corners(self) -> tuple[tuple[int, int], ...]:
        """The (top, left) corner of each tile in pixels, row by row."""
        tops, lefts = (starts(length, self.tile_px, self.overlap) for length in (self.height, self.width))
        return tuple((top, left) for top in tops for left in lefts)


def starts(length: int, tile_px: int, overlap: float) -> tuple[int, ...]:
    """Return where the tiles begin along one axis of `length` pixels."""
    last = length - tile_px
    return (*range(0, last, step_px(tile_px, overlap)), last)


def step_px(tile_px: int, overlap: float) -> int:
    """Return the pixels from one tile to the next."""
    return int(round(tile_px * (1 - overlap), 6))  # 10 * (1 - 0.8) is a hair below 2


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
