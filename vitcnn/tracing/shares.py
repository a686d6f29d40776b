"""Divides the time of a trace among what ran in it, so that all shares and the idle time add up to the whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Shares:
    """The seconds of each span, those that it ran beside n others counted 1/n, and the gaps in which none ran.

    Of the gaps there are the lengths, and when they began.
    """

    seconds: np.ndarray
    busy_s: float
    gaps_s: np.ndarray
    gaps_began_s: np.ndarray


def shares_of(spans: np.ndarray, windows: np.ndarray) -> Shares:
    """Divide the time of `windows` among `spans`; both are floats (count, 2), starts and ends in seconds.

    Windows do not overlap. What a span has outside of them does not count.
    """
    times = np.unique(np.concatenate([spans.ravel(), windows.ravel()]))
    lengths = np.diff(times)
    running, inside = _number_in(times, spans), _number_in(times, windows) > 0
    shared = np.where(inside & (running > 0), lengths / np.maximum(running, 1), 0.0)
    is_gap = inside & (running == 0)
    until = np.concatenate([[0.0], np.cumsum(shared)])
    starts, ends = np.searchsorted(times, spans[:, 0]), np.searchsorted(times, spans[:, 1])
    return Shares(
        seconds=until[ends] - until[starts],
        busy_s=float(lengths[inside & (running > 0)].sum()),
        gaps_s=lengths[is_gap],
        gaps_began_s=times[:-1][is_gap],
    )


def _number_in(times: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Return how many of the spans cover each interval between two of the times."""
    change = np.zeros(len(times), dtype=np.int64)
    np.add.at(change, np.searchsorted(times, spans[:, 0]), 1)
    np.add.at(change, np.searchsorted(times, spans[:, 1]), -1)
    return np.cumsum(change)[:-1]
