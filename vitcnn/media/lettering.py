"""Text in pictures: its font and size, what of it fits, and a legend of lines with samples of colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LEAST_PX, MOST_PX = 14, 56
SHARE = 1 / 36
"""The height of letters, as a share of the picture's shorter side, between the two bounds."""

PAPER, INK = (255, 255, 255), (0, 0, 0)
LINE_HEIGHT = 1.5
DOTS = "…"
WIDE = 6
"""The width of a bar of colours, in heights of letters."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """A sample of colour, uint8 (columns, 3), from left to right, and the text behind it; either may be empty."""

    text: str
    sample: np.ndarray | None = None


Line = Sequence[Item]


def font_px(size: tuple[int, int]) -> int:
    """Return the height of letters in a picture of (width, height)."""
    return round(min(max(min(size) * SHARE, LEAST_PX), MOST_PX))


@cache
def font_of(px: int) -> ImageFont.FreeTypeFont:
    """Return matplotlib's own DejaVu Sans, which has Latin, Greek and Cyrillic letters, `px` pixels high."""
    import matplotlib as mpl

    return ImageFont.truetype(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", px)


def fitting(text: str, px: int, width: int) -> str:
    """Return as much of a text as fits into a width, in pixels; it ends with dots where it is cut short."""
    font = font_of(px)
    if font.getlength(text) <= width:
        return text
    for length in range(len(text) - 1, 0, -1):
        if font.getlength(text[:length] + DOTS) <= width:
            return text[:length] + DOTS
    return ""


def legend(width: int, px: int, lines: Sequence[Line]) -> np.ndarray:
    """Return a strip, uint8 (height, width, 3), with a row for each line; what does not fit into it is cut short.

    Its height depends on the number of lines alone, so that all frames of a video have one size.
    """
    row, gap = round(LINE_HEIGHT * px), px // 2
    image = Image.new("RGB", (width, len(lines) * row), PAPER)
    for number, line in enumerate(lines):
        left, top = gap, number * row
        for item in line:
            left = _draw(image, item, left, top, px) + gap
    return np.asarray(image)


def _width(item: Item, px: int) -> int:
    """Return the pixels that an item takes in a line."""
    sample = 0 if item.sample is None else px // 3 + _columns(item.sample, px)
    return sample + round(font_of(px).getlength(item.text))


def _columns(sample: np.ndarray, px: int) -> int:
    """Return how wide a sample is drawn: a single colour as a square."""
    return px if len(sample) == 1 else WIDE * px


def _draw(image: Image.Image, item: Item, left: int, top: int, px: int) -> int:
    """Draw an item at its place, and return where it ends. One that is not the first is left out where it is cut."""
    if left > px and _width(item, px) > image.width - left:
        return image.width
    if item.sample is not None:
        sample = Image.fromarray(item.sample[None])
        columns = _columns(item.sample, px)
        image.paste(sample.resize((columns, px), Image.Resampling.NEAREST), (left, top + px // 4))
        left += columns + px // 3
    text = fitting(item.text, px, image.width - left)
    ImageDraw.Draw(image).text((left, top + px // 8), text, font=font_of(px), fill=INK)
    return left + round(font_of(px).getlength(text))
