"""Joins spans of time that overlap, so that what they cover together counts once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def merged(spans: Iterable[tuple[float, float]]) -> np.ndarray:
    """Return spans, floats (count, 2) of starts and ends, in order and with those that overlap or touch as one."""
    found: list[list[float]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def are_in(moments: np.ndarray, spans: Iterable[tuple[float, float]]) -> np.ndarray:
    """Return whether each moment is in one of the spans, (start, end), ends included."""
    joined = merged(spans)
    begun, over = np.searchsorted(joined[:, 0], moments, side="right"), np.searchsorted(joined[:, 1], moments)
    found: np.ndarray = begun > over
    return found


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Return the length of what spans, (start, end), cover together: where they overlap, it counts once."""
    joined = merged(spans)
    return float((joined[:, 1] - joined[:, 0]).sum())
