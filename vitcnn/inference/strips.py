"""The strips in which a frame is taken: bands of its rows with a halo, as whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from vitcnn.errors import UserError
from vitcnn.inference.receptive_field import ReceptiveField


@dataclass(frozen=True, kw_only=True)
class Strip:
    """Rows `top` to `bottom` of a frame, and the rows of features, `first_row` to `end_row`, that they answer for."""

    top: int
    bottom: int
    first_row: int
    end_row: int


@dataclass(frozen=True, kw_only=True)
class Strips:
    """Bands of a frame of `height` pixels, none higher than `strip_px`, its halo included.

    All are of one height, so that a compiled model meets one shape. It differs from the frame's by a multiple of the
    stride, as each band's top from the frame's: then every layer steps through a band as it does through the frame,
    and padding that depends on the size is the same too. The bands at the frame's edges have the network's own padding
    there; what comes of the padding at their other edges is left out.
    """

    height: int
    strip_px: int
    field: ReceptiveField

    def __post_init__(self) -> None:
        smallest = next((px for px in self._heights() if self._rows_further(px) >= 1), self.height)
        if self.strip_px < smallest:
            allowed = f"strips of {smallest} rows and more, of which the halo takes the most"
            do = "Allow higher strips or more memory, or classify tiles."
            raise UserError(field="strip_px", value=self.strip_px, allowed=allowed, do=do)

    @property
    def num_rows(self) -> int:
        """The rows of features of the frame."""
        return self.field.num_rows(self.height)

    @cached_property
    def px(self) -> int:
        """The rows of pixels of each band: as few as keep the number of bands."""
        highest = max(px for px in self._heights() if px <= self.strip_px)
        fewest = self._num_strips(highest)
        return next(px for px in self._heights() if self._num_strips(px) == fewest)

    @cached_property
    def strips(self) -> tuple[Strip, ...]:
        """The bands from top to bottom; each row of features belongs to one."""
        px, stride, count = self.px, self.field.stride, self._num_strips(self.px)
        step = self._rows_further(px) * stride
        tops = [min(place * step, self.height - px) for place in range(count)]
        ends = [*(top // stride + self._clean_rows(px) for top in tops[:-1]), self.num_rows]
        firsts = [0, *ends[:-1]]
        return tuple(
            Strip(top=top, bottom=top + px, first_row=first, end_row=end)
            for top, first, end in zip(tops, firsts, ends, strict=True)
        )

    def _heights(self) -> range:
        """Return the heights that a band may have, from the least."""
        stride = self.field.stride
        return range(self.height % stride or stride, self.height + 1, stride)

    def _clean_rows(self, px: int) -> int:
        """Return how many rows of features of a band see nothing below it."""
        return min(self.field.num_rows(px), (px - 1 - self.field.last) // self.field.stride + 1)

    def _rows_further(self, px: int) -> int:
        """Return how many rows of features one band is on from the one before it."""
        return self._clean_rows(px) - self.field.halo_above_px // self.field.stride

    def _num_strips(self, px: int) -> int:
        """Return in how many bands of `px` rows the frame is taken; more than its rows where that cannot be."""
        further = self._rows_further(px)
        if px == self.height:
            return 1
        return 1 - (px - self.height) // self.field.stride // further if further >= 1 else self.height + 1
