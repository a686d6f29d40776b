"""Blends what a model says of every pixel of overlapping tiles into one map of the frame, weighted by a window.

The windows are those of MONAI's `sliding_window_inference`, and so is the result. The sum of the windows at a pixel
follows from the grid alone: it is made for one row of tiles at a time, so no buffer of the frame's size is needed
besides the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from vitcnn.errors import UserError
from vitcnn.inference.tiling.grid import TileGrid

Blend = Literal["gaussian", "constant"]

SIGMA = 0.125
"""Standard deviation of the Gaussian window, as a share of the tile."""

LEAST_WEIGHT = 1e-3
"""No pixel of a Gaussian window weighs less: at the corners it would be 1e-7."""


def window(tile_px: int, blend: Blend) -> Tensor:
    """Return what each pixel of a tile weighs, float32 (tile_px, tile_px)."""
    if blend == "constant":
        return torch.ones(tile_px, tile_px)
    places = torch.arange(tile_px, dtype=torch.float32) - (tile_px - 1) / 2
    line = torch.exp(places**2 / (-2 * (SIGMA * tile_px) ** 2))
    return torch.outer(line, line).clamp_(min=LEAST_WEIGHT)


CLASSES_AT_ONCE = 8
"""Classes of a tile that are laid out one behind the other, if they are not, before they are added."""


def blending_bytes(grid: TileGrid) -> int:
    """Return the most that `Blended` holds besides the result.

    The sums of a row of tiles, the window, and of one tile the weights and the answers that are added at once.
    """
    return 4 * grid.tile_px * (grid.width + (2 + CLASSES_AT_ONCE) * grid.tile_px)


class Blended:
    """Adds the weighted answers of tiles up, row by row, in a map of the frame, float32 (classes, height, width).

    Once the last tile is added, `result` is the weighted mean at each pixel. It lies where `out` does, which may be a
    tensor on another device or mapped to a file; without one it is made on the device of the first answers.
    """

    def __init__(self, grid: TileGrid, blend: Blend, out: Tensor | None = None) -> None:
        self._grid = grid
        self._out = out
        self._window = window(grid.tile_px, blend)
        self._row = torch.empty(0)
        self._sums = self._row
        self._top: int | None = None
        self._done_bottom = self._done_right = 0

    def add(self, corners: Sequence[tuple[int, int]], answers: Tensor) -> None:
        """Add the answers, (tiles, classes, tile_px, tile_px), of the tiles that begin at `corners`."""
        if self._top is None:
            self._begin(answers)
        for (top, left), answer in zip(corners, answers, strict=True):
            if top != self._top:
                self._done_bottom = 0 if self._top is None else self._top + self._grid.tile_px
                self._done_right = 0
                self._top, self._sums = top, self._sums_of_row(top)
            self._put(top, left, answer)
            self._done_right = left + self._grid.tile_px

    def _put(self, top: int, left: int, answer: Tensor) -> None:
        """Add one answer where tiles before it have written, above or to the left, and write it elsewhere."""
        box = self._grid.box(top, left)
        rows, columns = slice(box.top - top, box.bottom - top), slice(box.left - left, box.right - left)
        weights = self._window[rows, columns] / self._sums[:, box.left : box.right]
        row, column = max(0, self._done_bottom - box.top), max(0, self._done_right - box.left)
        for first in range(0, len(answer), CLASSES_AT_ONCE):
            classes = slice(first, first + CLASSES_AT_ONCE)
            part = answer[classes, rows, columns].float().contiguous()
            place = self.result[classes, box.top : box.bottom, box.left : box.right]
            shares = weights
            if place.device != part.device:
                part = (part * weights).to(place.device)
                shares = torch.ones((), device=place.device).expand_as(weights)
            place[:, :row].addcmul_(part[:, :row], shares[:row])
            place[:, row:, :column].addcmul_(part[:, row:, :column], shares[row:, :column])
            torch.mul(part[:, row:, column:], shares[row:, column:], out=place[:, row:, column:])

    def _begin(self, answers: Tensor) -> None:
        """Get ready for answers such as these; UserError where `out` is not for them."""
        self._window = self._window.to(answers.device)
        self._row = torch.empty(min(self._grid.tile_px, self._grid.height), self._grid.width, device=answers.device)
        shape = (answers.shape[1], self._grid.height, self._grid.width)
        if self._out is None:
            self._out = torch.empty(shape, device=answers.device)
        elif self._out.shape != shape or self._out.dtype != torch.float32:
            value, do = f"{self._out.dtype} {tuple(self._out.shape)}", "Make one of that shape."
            raise UserError(field="out", value=value, allowed=f"a float32 tensor of {shape}", do=do)

    def _sums_of_row(self, top: int) -> Tensor:
        """Return the sums of all windows at each pixel that the row of tiles at `top` shows, (rows, width)."""
        grid = self._grid
        first, last = max(top, 0), min(top + grid.tile_px, grid.height)
        sums = self._row[: last - first].zero_()
        for other in grid.tops:
            begin, end = max(first, other), min(last, other + grid.tile_px)
            if begin >= end:
                continue
            for left in grid.lefts:
                box = grid.box(other, left)
                part = self._window[begin - other : end - other, box.left - left : box.right - left]
                sums[begin - first : end - first, box.left : box.right] += part
        return sums

    @property
    def result(self) -> Tensor:
        """The map of the frame, float32 (classes, height, width)."""
        assert self._out is not None, "tiles have been added"
        return self._out
