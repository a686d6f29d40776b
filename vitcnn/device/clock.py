"""Provides clocks that wait until the device has finished."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise


def synchronized_perf_counter() -> float:
    """Wait for the current CUDA device, then read the clock; seconds."""
    import torch

    torch.cuda.synchronize()
    return time.perf_counter()


def event_times(run: Callable[[], object], *, rounds: int, iterations: int) -> tuple[float, ...]:
    """Return the seconds between CUDA events around the calls of `run`, averaged over `iterations` a round.

    The host waits once, at the end. The gaps in which the device waits for the host to launch are in the times.
    """
    import torch

    marks = [torch.cuda.Event(enable_timing=True) for _ in range(rounds + 1)]
    marks[0].record()
    for mark in marks[1:]:
        for _ in range(iterations):
            run()
        mark.record()
    torch.cuda.synchronize()
    return tuple(start.elapsed_time(end) / 1e3 / iterations for start, end in pairwise(marks))
