"""Measures any function of the user's and returns its record; torch is needed only if the function uses it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vitcnn.architectures import architecture
from vitcnn.bench import as_planned
from vitcnn.bench.rounds import MANY_ROUNDS, Stopwatch, warm_up
from vitcnn.device import Device, Growth, numerics, out_of_memory_as_case_error
from vitcnn.device.observers import observing
from vitcnn.errors import CaseError
from vitcnn.metrics.counts import OF_A_FUNCTION
from vitcnn.metrics.rounds import IMAGES_PER_S, LATENCY_S
from vitcnn.record import Measurement, Record, Status
from vitcnn.spec import TIME_TOLERANCE

NESTED = 3
"""Levels of collections in a function's result that are searched for work that has not been done."""

FEW = 100
"""Items of a collection that is searched: a search of many would take a noticeable part of the function's time."""


@dataclass(frozen=True, kw_only=True)
class OwnBenchmark:
    """A function that processes `images` images a call. `architecture` may be empty."""

    id: str
    architecture: str
    run: Callable[[], object]
    images: int

    def measure(
        self, *, device: Device, stopwatch: Stopwatch, agreed: Callable[[int, int], tuple[int, int]] = as_planned
    ) -> Record:
        """Time the function and return its record."""
        with numerics(device), out_of_memory_as_case_error(device):
            rounds, calls = agreed(*MANY_ROUNDS.plan(warm_up(self.run_whole, device.timer)))
            growth = Growth(device) if "torch" in sys.modules else None
            with observing(device) as observed:
                times_s = stopwatch(self.run, rounds=rounds, calls=calls)
            if growth and times_s:
                growth.check(rounds * calls)
            counts, versions = self.counts(device) if times_s else ({}, {})
        rates = tuple(self.images / seconds for seconds in times_s)
        metrics = [(LATENCY_S, times_s), (IMAGES_PER_S, rates)] if times_s else []
        times = [metric.measurement(samples, TIME_TOLERANCE) for metric, samples in metrics]
        counted = [metric.measurement([counts[metric.name]], 0.0) for metric in OF_A_FUNCTION if metric.name in counts]
        how = {"rounds": rounds, "calls_per_round": calls, **versions, **observed}
        return self.record("ok", (*times, *counted), **how)

    def run_whole(self) -> object:
        """Return what the function returns; CaseError where that has yet to run, or runs on elsewhere."""
        result = self.run()
        for part in parts_of(result):
            if isinstance(part, Iterator | AsyncIterator) or inspect.isawaitable(part):
                do = "use it up, or await it, in the function that is timed"
                raise CaseError(f"the function returned a {type(part).__name__}, whose work has not been done: {do}")
            if is_pending(part):
                do = "wait for its result in the function that is timed"
                raise CaseError(f"the function returned a {type(part).__name__} whose work has not ended: {do}")
        return result

    def counts(self, device: Device) -> tuple[Mapping[str, int], Mapping[str, Any]]:
        """Return what a call asks of torch, and under which versions; nothing where two calls differ or ask nothing."""
        if "torch" not in sys.modules:
            return {}, {}
        from vitcnn.measuring.counting import counted_with, counts_of

        first, second = (counts_of(self.run, device) for _ in range(2))
        if first != second or not first["operators"]:
            return {}, {}
        return first, {"counted_with": counted_with(device)}

    def record(self, status: Status, measurements: tuple[Measurement, ...] = (), **settings: Any) -> Record:
        """Return the benchmark's record."""
        return Record(
            case=self.id,
            architecture=self.architecture,
            family=architecture(self.architecture).family if self.architecture else "",
            settings={"question": "own", "images": self.images, **settings},
            status=status,
            measurements=measurements,
        )


def parts_of(result: object, depth: int = NESTED) -> Iterator[object]:
    """Yield `result` and, where it is a small collection, what it holds."""
    yield result
    if depth and isinstance(result, tuple | list | set | frozenset | dict) and len(result) <= FEW:
        for part in result.values() if isinstance(result, dict) else result:
            yield from parts_of(part, depth - 1)


def is_pending(result: object) -> bool:
    """Whether `result` is a future of any library, such as concurrent.futures or torch, whose work has not ended."""
    done = getattr(result, "done", None) if hasattr(type(result), "add_done_callback") else None
    return done is not None and not done()
