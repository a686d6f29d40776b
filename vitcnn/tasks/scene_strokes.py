"""Draws lines and spots into a patch: how much of each pixel they cover. NumPy alone.

A point is (y, x) in pixels; the middle of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SOFT_PX = 0.5
"""Half of how far the edge of a line reaches: a pixel that it halves is covered by half."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line through `points`, (count, 2), half as wide as `half_widths_px` (count,) says at each of them."""

    points: np.ndarray
    half_widths_px: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Patch:
    """A part of a scene: `coverage`, 0..1 float32 (height, width), whose first pixel is at (`top`, `left`)."""

    top: int
    left: int
    coverage: np.ndarray


def covered_by(lines: Sequence[Line]) -> Patch:
    """Return the patch that holds `lines`."""
    points = np.concatenate([line.points for line in lines])
    reach = max(float(line.half_widths_px.max()) for line in lines) + 2
    (top, left), (bottom, right) = np.floor(points.min(axis=0) - reach), np.ceil(points.max(axis=0) + reach)
    coverage = np.zeros((int(bottom - top), int(right - left)), dtype=np.float32)
    for line in lines:
        _draw(coverage, line.points - (top, left), line.half_widths_px)
    return Patch(top=int(top), left=int(left), coverage=coverage)


def _draw(coverage: np.ndarray, points: np.ndarray, half_widths_px: np.ndarray) -> None:
    """Draw one line into `coverage`, segment by segment, each in as small a window as holds it."""
    widths = np.maximum(half_widths_px[:-1], half_widths_px[1:]) + 1
    lows = np.floor(np.minimum(points[:-1], points[1:]) - widths[:, None]).astype(int)
    highs = np.ceil(np.maximum(points[:-1], points[1:]) + widths[:, None]).astype(int)
    for place in range(len(points) - 1):
        start, step = points[place], points[place + 1] - points[place]
        (top, left), (bottom, right) = lows[place], highs[place]
        y = np.arange(top, bottom)[:, None] + (0.5 - start[0])
        x = np.arange(left, right)[None, :] + (0.5 - start[1])
        along = np.clip((y * step[0] + x * step[1]) / max(1e-9, float(step @ step)), 0, 1)
        distance = np.sqrt((y - along * step[0]) ** 2 + (x - along * step[1]) ** 2)
        half_width = half_widths_px[place] + along * (half_widths_px[place + 1] - half_widths_px[place])
        window = coverage[top:bottom, left:right]
        np.maximum(window, np.clip(half_width - distance + SOFT_PX, 0, 1), out=window)


def spot(centre: tuple[float, float], radius_px: float, *, softness: float, waves: np.ndarray) -> Patch:
    """Return a round spot whose edge is `softness` radii wide; `waves`, (count, 2), bend its outline.

    Row k of `waves` has the cosine and sine parts of k + 2 bulges around it, in radii. Half is covered at the outline.
    """
    reach = radius_px * (1 + float(np.abs(waves).sum()) + softness / 2) + 1
    top, left = (int(np.floor(at - reach)) for at in centre)
    bottom, right = (int(np.ceil(at + reach)) for at in centre)
    y = (np.arange(top, bottom)[:, None] + (0.5 - centre[0])) / radius_px
    x = (np.arange(left, right)[None, :] + (0.5 - centre[1])) / radius_px
    outline: float | np.ndarray = 1.0
    if len(waves):
        angle = np.arctan2(y, x)
        for bulges, (cosine, sine) in enumerate(waves, 2):
            outline = outline + cosine * np.cos(bulges * angle) + sine * np.sin(bulges * angle)
    edge = max(softness, 1 / radius_px)
    coverage = np.clip(0.5 + (outline - np.sqrt(y * y + x * x)) / edge, 0, 1)
    return Patch(top=top, left=left, coverage=coverage.astype(np.float32))
