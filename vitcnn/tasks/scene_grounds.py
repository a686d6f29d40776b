"""Draws what lies under everything in a scene: a texture and light that falls off. NumPy and SciPy alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import uniform_filter1d

MIN_ROUGHNESS, MAX_ROUGHNESS = 0.015, 0.045
"""Standard deviation of the texture, as a share of the brightness."""

MAX_FALL = 0.35
"""How much of its brightness a scene loses to each end, at most, by the light alone."""

GRAIN = 0.02
"""Standard deviation of the noise of each pixel, as a share of the brightness."""

Ground = Callable[[int, int, float, np.random.Generator], np.ndarray]
"""From height, width, the size of things in pixels and draws, to a texture of any mean, float32 (height, width)."""


def smooth_noise(height: int, width: int, px: float, rng: np.random.Generator) -> np.ndarray:
    """Return normal noise at points `px` apart, straight lines between them: float32 (height, width)."""
    rows, columns = int(height / px) + 2, int(width / px) + 2
    points = rng.standard_normal((rows, columns), dtype=np.float32)
    return _between(_between(points, height, px).T.copy(), width, px).T


def _between(points: np.ndarray, length: int, px: float) -> np.ndarray:
    """Return `length` rows out of rows of points that lie `px` apart."""
    places = np.arange(length, dtype=np.float32) / np.float32(px)
    first = places.astype(np.int64)
    share = (places - first.astype(np.float32))[:, None]
    between: np.ndarray = points[first] + (points[first + 1] - points[first]) * share
    return between


def octaves(height: int, width: int, unit_px: float, rng: np.random.Generator) -> np.ndarray:
    """Return clouds: noise of four sizes, each half as strong as the one twice as large."""
    ground = smooth_noise(height, width, unit_px, rng)
    for octave in range(1, 4):
        ground += smooth_noise(height, width, unit_px / 2**octave, rng) / np.float32(2**octave)
    return ground


def concrete(height: int, width: int, unit_px: float, rng: np.random.Generator) -> np.ndarray:
    """Return clouds with fine lumps on them."""
    return octaves(height, width, 2 * unit_px, rng) + smooth_noise(height, width, max(2.0, unit_px / 24), rng)


def brushed_metal(height: int, width: int, unit_px: float, rng: np.random.Generator) -> np.ndarray:
    """Return fine streaks in rows or columns, as long as a thing or longer."""
    axis = int(rng.integers(2))
    noise = rng.standard_normal((height, width), dtype=np.float32)
    return uniform_filter1d(noise, max(3, round(unit_px * rng.uniform(0.5, 2))), axis=axis, mode="wrap")


def fabric(height: int, width: int, unit_px: float, rng: np.random.Generator) -> np.ndarray:
    """Return threads that cross at right angles, on clouds."""
    period_px = unit_px * rng.uniform(0.07, 0.14)
    phases = rng.uniform(0, 2 * np.pi, 2)
    down, across = (
        np.sin(np.arange(length) * (2 * np.pi / period_px) + phase).astype(np.float32)
        for length, phase in zip((height, width), phases, strict=True)
    )
    return smooth_noise(height, width, 2 * unit_px, rng) + 2 * down[:, None] * across[None, :]


GROUNDS: tuple[Ground, ...] = (octaves, concrete, brushed_metal, fabric)


def ground_of(height: int, width: int, unit_px: float, rng: np.random.Generator) -> np.ndarray:
    """Return the brightness of a bare scene, float32 (height, width), about 0.25 to 0.7: texture times light."""
    ground = GROUNDS[rng.integers(len(GROUNDS))](height, width, unit_px, rng)
    sample = ground[:: max(1, height // 256), :: max(1, width // 256)]
    roughness = rng.uniform(MIN_ROUGHNESS, MAX_ROUGHNESS)
    ground -= sample.mean()
    ground *= np.float32(roughness / max(1e-6, float(sample.std())))
    ground += np.float32(1)
    return ground * light_of(height, width, rng)


def light_of(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Return light that falls off along both sides, float32 (height, width), about a brightness drawn by chance."""
    brightness = rng.uniform(0.38, 0.58)
    falls = rng.uniform(-MAX_FALL, MAX_FALL, 2) / 2
    down, across = (
        (1 + np.linspace(-fall, fall, length)).astype(np.float32)
        for length, fall in zip((height, width), falls, strict=True)
    )
    light: np.ndarray = np.float32(brightness) * down[:, None] * across[None, :]
    return light
