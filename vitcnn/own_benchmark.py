"""A user's own benchmark: any function, timed and recorded as the cases are. Needs torch only if the function does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vitcnn.architectures import architecture
from vitcnn.bench import as_planned
from vitcnn.device import Device, numerics, out_of_memory_as_case_error
from vitcnn.device.throttling import watch_clocks
from vitcnn.metrics.images_per_s import IMAGES_PER_S
from vitcnn.metrics.latency_s import LATENCY_S
from vitcnn.record import Measurement, Record, Status
from vitcnn.spec import TIME_TOLERANCE
from vitcnn.timing import MANY_ROUNDS, Stopwatch, warm_up


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
            rounds, calls = agreed(*MANY_ROUNDS.plan(warm_up(self.run, device.timer)))
            with watch_clocks(device) as clocks:
                times_s = stopwatch(self.run, rounds=rounds, calls=calls)
        rates = tuple(self.images / seconds for seconds in times_s)
        metrics = [(LATENCY_S, times_s), (IMAGES_PER_S, rates)] if times_s else []
        measurements = tuple(metric.measurement(samples, TIME_TOLERANCE) for metric, samples in metrics)
        return self.record("ok", measurements, rounds=rounds, calls_per_round=calls, **clocks)

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
