"""Draws the things that lie in a scene: defects, and marks that are none but change as many pixels as much.

Each function returns patches about a point, in a size of things `unit_px`: 64 for tiles of 64 px.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np

from vitcnn.tasks.scene_strokes import Line, Patch, covered_by, spot

NO_WAVES = np.zeros((0, 2))

Thing = Callable[[tuple[float, float], float, np.random.Generator], list[Patch]]
"""From the middle (y, x), the size of things in pixels and draws, to what is covered."""


def line_px(unit_px: float) -> float:
    """Return the usual width of a line: 3.5 px for things of 64 px, and the root of the ratio as much for others."""
    return float(3.5 * np.sqrt(unit_px / 64))


def crack(middle: tuple[float, float], unit_px: float, rng: np.random.Generator) -> list[Patch]:
    """Return a random walk that turns sharply and branches; it narrows to its ends."""
    heading = rng.uniform(0, 2 * np.pi)
    half_width = line_px(unit_px) / 2 * rng.uniform(0.8, 1.3)
    start = np.asarray(middle) - 0.35 * unit_px * _direction(heading)
    return [covered_by(_walk(start, heading, int(rng.integers(9, 15)), half_width, unit_px, rng, branches=True))]


def _walk(
    start: np.ndarray,
    heading: float,
    num_steps: int,
    half_width: float,
    unit_px: float,
    rng: np.random.Generator,
    *,
    branches: bool,
) -> list[Line]:
    turns = rng.normal(0, 0.65, num_steps)
    headings = heading + turns  # each about the main heading, so that the walk gets somewhere
    lengths = unit_px * rng.uniform(0.06, 0.12, num_steps)
    steps = lengths[:, None] * np.stack([np.sin(headings), np.cos(headings)], axis=1)
    points = np.concatenate([start[None], start + np.cumsum(steps, axis=0)])
    lines = [Line(points=points, half_widths_px=np.linspace(half_width, 0.5 * half_width, len(points)))]
    if branches:
        for place in np.flatnonzero(rng.random(num_steps) < 0.22):
            side = heading + rng.choice([-1, 1]) * rng.uniform(0.7, 1.3)
            num = int(rng.integers(3, 6))
            lines += _walk(points[place], side, num, 0.7 * half_width, unit_px, rng, branches=False)
    return lines


def scratch(middle: tuple[float, float], unit_px: float, rng: np.random.Generator) -> list[Patch]:
    """Return one thin line, hardly bent, that is thickest in its middle and ends in points."""
    length, heading = unit_px * rng.uniform(0.7, 1.3), rng.uniform(0, 2 * np.pi)
    along = np.linspace(-0.5, 0.5, max(4, int(length / (unit_px * 0.1))))
    bend = rng.uniform(-0.1, 0.1) * (along**2 - 0.08)
    points = np.asarray(middle) + length * (along[:, None] * _direction(heading) + bend[:, None] * _across(heading))
    half_widths = line_px(unit_px) / 2 * rng.uniform(0.9, 1.3) * np.sqrt(1 - (2 * along) ** 2 * 0.95)
    return [covered_by([Line(points=points, half_widths_px=half_widths)])]


def blob(middle: tuple[float, float], unit_px: float, rng: np.random.Generator) -> list[Patch]:
    """Return a stain or a pit: a spot of irregular outline with a soft edge."""
    waves = rng.normal(0, 0.12, (3, 2)) / np.arange(1, 4)[:, None]
    return [spot(middle, unit_px * rng.uniform(0.11, 0.2), softness=rng.uniform(0.7, 1.2), waves=waves)]


def ruling(middle: tuple[float, float], unit_px: float, rng: np.random.Generator) -> list[Patch]:
    """Return two to four parallel straight lines, each as wide all along: grooves."""
    heading, count = rng.uniform(0, 2 * np.pi), int(rng.integers(2, 5))
    length, gap = unit_px * rng.uniform(0.4, 0.8), unit_px * rng.uniform(0.1, 0.16)
    half_width = line_px(unit_px) / 2 * rng.uniform(0.8, 1.1)
    offsets = (np.arange(count) - (count - 1) / 2) * gap
    lines = []
    for offset in offsets:
        centre = np.asarray(middle) + offset * _across(heading)
        lines.append(_straight(centre, length, heading, half_width, unit_px))
    return [covered_by(lines)]


def sign(middle: tuple[float, float], unit_px: float, rng: np.random.Generator) -> list[Patch]:
    """Return the outline of a regular polygon, three to five corners: a printed sign."""
    corners, turn = int(rng.integers(3, 6)), rng.uniform(0, 2 * np.pi)
    radius, half_width = unit_px * rng.uniform(0.18, 0.3), line_px(unit_px) / 2 * rng.uniform(0.8, 1.2)
    angles = turn + 2 * np.pi * np.arange(corners + 1) / corners
    outline = np.asarray(middle) + radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    points = _in_short_steps(outline, unit_px)
    return [covered_by([Line(points=points, half_widths_px=np.full(len(points), half_width))])]


def dashes(middle: tuple[float, float], unit_px: float, rng: np.random.Generator) -> list[Patch]:
    """Return a straight line of short dashes, blunt at their ends: a printed line to cut along."""
    heading, dash = rng.uniform(0, 2 * np.pi), unit_px * rng.uniform(0.1, 0.14)
    half_width, count = line_px(unit_px) / 2 * rng.uniform(1.0, 1.5), int(rng.integers(4, 7))
    offsets = (np.arange(count) - (count - 1) / 2) * 1.9 * dash
    centres = np.asarray(middle) + offsets[:, None] * _direction(heading)
    return [covered_by([_straight(centre, dash, heading, half_width, unit_px) for centre in centres])]


def dots(middle: tuple[float, float], unit_px: float, rng: np.random.Generator) -> list[Patch]:
    """Return one to three printed dots in a row, round and with sharp edges."""
    heading, count = rng.uniform(0, 2 * np.pi), int(rng.integers(1, 4))
    radius = unit_px * rng.uniform(0.12, 0.17) / np.sqrt(count)
    offsets = (np.arange(count) - (count - 1) / 2) * 3 * radius
    centres = np.asarray(middle) + offsets[:, None] * _direction(heading)
    return [spot((centre[0], centre[1]), radius, softness=0.0, waves=NO_WAVES) for centre in centres]


DEFECTS: Mapping[str, Thing] = {"crack": crack, "scratch": scratch, "blob": blob}
"""By the names of their classes, of which 0 is none."""

MARKS: tuple[Thing, ...] = (ruling, sign, dashes, dots)


def _direction(heading: float) -> np.ndarray:
    return np.array([np.sin(heading), np.cos(heading)])


def _across(heading: float) -> np.ndarray:
    return np.array([np.cos(heading), -np.sin(heading)])


def _straight(centre: np.ndarray, length: float, heading: float, half_width: float, unit_px: float) -> Line:
    half = length / 2 * _direction(heading)
    points = _in_short_steps(np.stack([centre - half, centre + half]), unit_px)
    return Line(points=points, half_widths_px=np.full(len(points), half_width))


def _in_short_steps(corners: np.ndarray, unit_px: float) -> np.ndarray:
    """Return points along the straight lines between `corners`, close together, so that windows are small."""
    parts = [corners[:1]]
    for first, second in pairwise(corners):
        count = max(1, round(float(np.hypot(*(second - first))) / (0.12 * unit_px)))
        parts.append(first + (second - first) * np.linspace(0, 1, count + 1)[1:, None])
    return np.concatenate(parts)
