"""Adds up what the parts of tiling take, over any number of frames."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

PARTS = ("decode", "copy", "forward", "blend", "write")


class Timings:
    """Seconds by part. `clock` waits for the device, so that each part is charged with its own work."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Charge what runs inside to a part."""
        start = self._clock()
        try:
            yield
        finally:
            self._seconds[part] += self._clock() - start

    @property
    def seconds(self) -> Mapping[str, float]:
        """What each part took in all; parts that never ran took 0."""
        return MappingProxyType({part: self._seconds[part] for part in PARTS})
