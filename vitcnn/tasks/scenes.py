"""Makes scenes of any size with planted defects and a mask of them, by a seed: NumPy and SciPy alone.

A scene is a textured ground in uneven light. In each cell of a jittered grid lies one thing: a defect in some, and else
a mark that is harmless but changes as many pixels as much, brighter or darker. So neither the brightness of a part of
a scene, nor its variance, nor any weighted sum of its pixels says whether there is a defect: its form does.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from vitcnn.errors import UserError
from vitcnn.fields import require_count, require_share
from vitcnn.tasks.scene_grounds import GRAIN, ground_of
from vitcnn.tasks.scene_strokes import Patch
from vitcnn.tasks.scene_things import DEFECTS, MARKS, Thing

VERSION = 1
"""Raised whenever the same seed gives other scenes than before."""

CLASSES = ("none", *DEFECTS)
"""What a pixel or a tile can be: its place here is its number."""

MIN_CONTRAST, MAX_CONTRAST = 0.35, 0.6
"""How much brighter or darker a thing makes what it covers, as a share."""

CELL = 1.3
"""The side of a cell, in sizes of things."""

JITTER = 0.2
"""How far a thing may lie from the middle of its cell along each side, in cells."""

DEFECT_SHARE = 0.15
"""Share of the cells that hold a defect."""

MAX_TINT = 0.06
"""How far red, green and blue of a scene may differ from its grey, as a share."""

MIN_UNIT_PX = 16
"""Things that are smaller have no form."""

MOST_THINGS = int(np.iinfo(np.uint16).max)

COVERED = 0.5
"""A pixel belongs to the thing that covers this much of it or more."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """An image, uint8 (3, height, width), and which thing each pixel belongs to, uint16 (height, width).

    0 is the ground, and k the thing whose class, a place in `CLASSES`, is `classes[k]`: 0 of the ground and of marks.
    """

    image: np.ndarray
    things: np.ndarray
    classes: np.ndarray

    @property
    def mask(self) -> np.ndarray:
        """The class of each pixel, uint8 (height, width)."""
        mask: np.ndarray = self.classes[self.things]
        return mask


def make_scene(
    *, width: int, height: int, seed: int | tuple[int, ...], unit_px: float = 64, defect_share: float = DEFECT_SHARE
) -> Scene:
    """Return the scene of a seed: the same arguments, the same scene.

    `unit_px` is the size of things in pixels: about what a defect is long, and the distance between things.
    `defect_share` of these are defects. UserError for sizes below 1, or more things than a map of them can count.
    """
    require_count("width", width)
    require_count("height", height)
    require_share("defect_share", defect_share, "0.15 is usual.")
    if not unit_px >= MIN_UNIT_PX:
        do = "64 is usual for tiles of 64 px."
        raise UserError(field="unit_px", value=unit_px, allowed=f"numbers from {MIN_UNIT_PX}", do=do)
    num_things = prod(_num_cells(height, width, unit_px))
    if num_things > MOST_THINGS:
        do = "Make a smaller scene or larger things."
        raise UserError(field="things in a scene", value=num_things, allowed=f"up to {MOST_THINGS:,}", do=do)
    rng = np.random.default_rng(seed)
    light = ground_of(height, width, unit_px, rng)
    change = np.ones((height, width), dtype=np.float32)
    things, classes = np.zeros((height, width), dtype=np.uint16), [0]
    for middle in _middles(height, width, unit_px, rng):
        label, thing = _drawn_thing(defect_share, rng)
        contrast = rng.uniform(MIN_CONTRAST, MAX_CONTRAST) * rng.choice([-1, 1])
        classes.append(label)
        for patch in thing(middle, unit_px, rng):
            _lay(patch, change, things, contrast, len(classes) - 1)
    return Scene(image=_photographed(light, change, rng), things=things, classes=np.array(classes, dtype=np.uint8))


def _middles(height: int, width: int, unit_px: float, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Return where things lie, (y, x), row by row: one in each cell."""
    rows, columns = _num_cells(height, width, unit_px)
    moved = rng.uniform(-JITTER, JITTER, (rows, columns, 2))
    return [
        ((row + 0.5 + moved[row, column, 0]) * height / rows, (column + 0.5 + moved[row, column, 1]) * width / columns)
        for row in range(rows)
        for column in range(columns)
    ]


def _num_cells(height: int, width: int, unit_px: float) -> tuple[int, int]:
    """Return how many rows and columns of cells there are."""
    return max(1, round(height / (CELL * unit_px))), max(1, round(width / (CELL * unit_px)))


def _drawn_thing(defect_share: float, rng: np.random.Generator) -> tuple[int, Thing]:
    """Return the class and the function of a defect or of a mark, whose class is 0."""
    if rng.random() < defect_share:
        label = int(rng.integers(1, len(CLASSES)))
        return label, DEFECTS[CLASSES[label]]
    return 0, MARKS[rng.integers(len(MARKS))]


def _lay(patch: Patch, change: np.ndarray, things: np.ndarray, contrast: float, number: int) -> None:
    """Lay one patch over what is there: what it covers is its own, brightness and mask."""
    top, left = max(0, patch.top), max(0, patch.left)
    part = patch.coverage[top - patch.top :, left - patch.left :]
    window = change[top : top + part.shape[0], left : left + part.shape[1]]
    part = part[: window.shape[0], : window.shape[1]]
    window += (np.float32(1 + contrast) - window) * part
    belongs = things[top : top + part.shape[0], left : left + part.shape[1]]
    belongs[part >= COVERED] = number


def _photographed(light: np.ndarray, change: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return what a camera sees, uint8 (3, height, width): tinted, with noise in each pixel."""
    grain = rng.standard_normal(light.shape, dtype=np.float32)
    grain *= np.float32(GRAIN)
    grain += change
    grain *= light
    tint = 255 * (1 + rng.uniform(-MAX_TINT, MAX_TINT, 3)).astype(np.float32)
    image = np.empty((3, *light.shape), dtype=np.uint8)
    for channel, level in zip(image, tint, strict=True):
        channel[:] = np.clip(grain * level, 0, 255)
    return image
