"""Draws what was found over a frame: a heat map of the tiles, boxes with names, a map of classes, and a legend below.

Frames are uint8 RGB (height, width, 3). Boxes are (left, top, right, bottom) in pixels of the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from vitcnn.media.lettering import Line, fitting, font_of, font_px, legend

Box = tuple[int, int, int, int]
Colour = tuple[int, int, int]

SMALL_PX = 640
"""Frames whose longer side is shorter are enlarged by a whole number, so that a name in them can be read."""

HEAT, CLASSES = "inferno", "tab20"
"""Colour maps of matplotlib."""

STRONGEST = 0.7
"""How much of the colour a tile with the highest score shows; with score 0 it shows the frame alone."""

MAP_SHARE = 0.5
"""How much of its colour a class shows in a map of classes."""

BOX_COLOUR: Colour = (255, 255, 255)
INK: Colour = (0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A box to draw and what stands in it: a name, cut short where it does not fit, and a value behind it."""

    box: Box
    name: str
    value: str = ""


def overlay(frame: np.ndarray, *, boxes: Sequence[Found] = (), lines: Sequence[Line] = ()) -> np.ndarray:
    """Return a frame with boxes drawn in it and a legend below; a small one is enlarged, all sides are even."""
    enlarged = enlargement(frame)
    image = Image.fromarray(frame)
    if enlarged > 1:
        image = image.resize((image.width * enlarged, image.height * enlarged), Image.Resampling.NEAREST)
    for found in boxes:
        _draw_box(image, found, enlarged)
    return _even(np.concatenate([np.asarray(image), legend(image.width, font_px(image.size), lines)]))


def enlargement(frame: np.ndarray) -> int:
    """Return how many times larger a frame is drawn."""
    return max(1, -(-SMALL_PX // max(frame.shape[:2])))


def heat_over(frame: np.ndarray, heat: np.ndarray, tops: Sequence[int], lefts: Sequence[int], px: int) -> np.ndarray:
    """Return a frame coloured by a heat map of one value, 0..1, for each tile: `heat` is (rows, columns).

    Where tiles of `px` pixels overlap, each is coloured to the middle.
    """
    height, width = frame.shape[:2]
    rows, columns = cells(tops, px, height), cells(lefts, px, width)
    colours = colours_of(HEAT, heat)
    full, mask = (_spread(values, rows, columns) for values in (colours, np.round(255 * STRONGEST * heat)))
    image = Image.composite(Image.fromarray(full), Image.fromarray(frame), Image.fromarray(mask))
    return np.asarray(image)


def cells(starts: Sequence[int], px: int, length: int) -> list[int]:
    """Return the lengths of the parts that tiles share an axis of `length` pixels out into."""
    middles = [(earlier + px + later) // 2 for earlier, later in pairwise(starts)]
    edges = [0, *middles, length]
    return [end - start for start, end in pairwise(edges)]


def _spread(values: np.ndarray, rows: Sequence[int], columns: Sequence[int]) -> np.ndarray:
    return np.repeat(np.repeat(values.astype(np.uint8), rows, axis=0), columns, axis=1)


def classes_over(frame: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return a frame blended with the colours of a map of classes, uint8 (height, width)."""
    painted = Image.fromarray(np.take(palette(), numbers, axis=0))
    return np.asarray(Image.blend(Image.fromarray(frame), painted, MAP_SHARE))


@cache
def palette() -> np.ndarray:
    """Return the colours of a map of classes, uint8 (256, 3): they repeat after twenty."""
    import matplotlib as mpl

    twenty = np.round(255 * np.array(mpl.colormaps[CLASSES].colors)).astype(np.uint8)  # type: ignore[attr-defined]
    strong_first = np.concatenate([twenty[::2], twenty[1::2]])
    return np.resize(strong_first, (256, 3))


def colours_of(name: str, values: np.ndarray) -> np.ndarray:
    """Return the colours of values, 0..1, by a colour map: uint8, three behind the values' shape."""
    import matplotlib as mpl

    colours: Any = mpl.colormaps[name](values, bytes=True)
    return np.asarray(colours[..., :3])


def _draw_box(image: Image.Image, found: Found, enlarged: int) -> None:
    """Draw a box and, inside it, at its top, as much of its text as fits."""
    draw, size_px = ImageDraw.Draw(image), font_px(image.size)
    left, top, right, bottom = (enlarged * side for side in found.box)
    thickness = max(2, size_px // 8)
    draw.rectangle((left, top, right - 1, bottom - 1), outline=BOX_COLOUR, width=thickness)
    pad = thickness
    value = f" {found.value}" if found.value else ""
    room = right - left - 2 * (thickness + pad) - round(font_of(size_px).getlength(value))
    name = fitting(found.name, size_px, room)
    if not name:
        return
    text = name + value
    wide = round(font_of(size_px).getlength(text))
    place = left + thickness, top + thickness
    draw.rectangle((*place, place[0] + wide + 2 * pad, place[1] + round(1.3 * size_px)), fill=BOX_COLOUR)
    draw.text((place[0] + pad, place[1]), text, font=font_of(size_px), fill=INK)


def _even(image: np.ndarray) -> np.ndarray:
    """Return an image with even sides, as videos need them: the last row or column is there twice."""
    height, width = image.shape[:2]
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
