"""Where square tiles lie that cover a frame of any size: whole numbers alone, and no tensor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from vitcnn.fields import require_count, require_tiles, step_px


class Box(NamedTuple):
    """A rectangle of a frame in pixels; `bottom` and `right` are the first row and column behind it."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, kw_only=True)
class TileGrid:
    """Square tiles that cover a frame. Neighbours overlap by at least `overlap` (a share of the tile).

    Tiles step by `tile_px * (1 - overlap)`, rounded down; the last of each row and column ends at the frame's edge. A
    frame that is narrower or lower than a tile lies in the middle of one, which begins before the frame.
    """

    width: int
    height: int
    tile_px: int
    overlap: float

    def __post_init__(self) -> None:
        for name in ("width", "height", "tile_px"):
            require_count(name, getattr(self, name))
        require_tiles(tile_px=self.tile_px, overlap=self.overlap)

    @cached_property
    def tops(self) -> tuple[int, ...]:
        """Where the rows of tiles begin."""
        return starts(self.height, self.tile_px, self.overlap)

    @cached_property
    def lefts(self) -> tuple[int, ...]:
        """Where the columns of tiles begin."""
        return starts(self.width, self.tile_px, self.overlap)

    @cached_property
    def corners(self) -> tuple[tuple[int, int], ...]:
        """The (top, left) corner of each tile in pixels, row by row; negative where the frame is smaller than it."""
        return tuple((top, left) for top in self.tops for left in self.lefts)

    @cached_property
    def boxes(self) -> tuple[Box, ...]:
        """The part of the frame that each tile shows, in the order of `corners`."""
        return tuple(self.box(top, left) for top, left in self.corners)

    def box(self, top: int, left: int) -> Box:
        """Return the part of the frame that a tile shows which begins at `top`, `left`."""
        bottom, right = min(top + self.tile_px, self.height), min(left + self.tile_px, self.width)
        return Box(max(top, 0), max(left, 0), bottom, right)


def starts(length: int, tile_px: int, overlap: float) -> tuple[int, ...]:
    """Return where the tiles begin along one axis of `length` pixels; where it is shorter than a tile, before 0."""
    last = length - tile_px
    return (*range(0, last, step_px(tile_px, overlap)), last) if last > 0 else (-(-last // 2),)
