"""From a case to its record: build, warm up, time, measure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from vitcnn.architectures import architecture
from vitcnn.device import Device, numerics, out_of_memory_as_case_error
from vitcnn.errors import CaseError
from vitcnn.metrics import metrics_of
from vitcnn.metrics.images_per_s import IMAGES_PER_S
from vitcnn.metrics.latency_s import LATENCY_S
from vitcnn.prepare import prepare
from vitcnn.prepare.batches import MANY_ROUNDS, warmed_up
from vitcnn.record import Measurement, Record, Status
from vitcnn.spec import TIME_TOLERANCE, Case
from vitcnn.subject import Progress


class Stopwatch(Protocol):
    """Times `run`: each round's seconds divided by its calls. The clock waits for the device."""

    def __call__(
        self,
        run: Callable[[], object],
        *,
        rounds: int,
        calls: int,
        before_round: Callable[[], None] | None = None,
        after_round: Callable[[], None] | None = None,
    ) -> tuple[float, ...]: ...


def measure(case: Case, *, device: Device, stopwatch: Stopwatch, progress: Progress, floor_bytes: int) -> Record:
    """Measure `case` on `device`. `floor_bytes` is what was allocated there before.

    Raises a CaseError where the case itself cannot be measured: the other cases go on.
    """
    with numerics(device), out_of_memory_as_case_error(device), forgetting_compiled_code(case):
        subject = prepare(case, device, progress)
        subject.floor_bytes = floor_bytes
        rounds, calls = subject.rounds.plan(subject.warm_up())
        subject.times_s = stopwatch(
            subject.run,
            rounds=rounds,
            calls=calls,
            before_round=subject.before_round,
            after_round=subject.after_round,
        )
        measurements = (
            [m for metric in metrics_of(case.question) for m in metric.of(subject)] if subject.times_s else []
        )
    return Record(
        case=str(case),
        architecture=case.architecture,
        family=subject.architecture.family,
        settings={**settings_of(case), **subject.settings, "rounds": rounds, "calls_per_round": calls},
        status="ok",
        measurements=tuple(measurements),
        series=tuple(subject.series()) if subject.times_s else (),
    )


@contextmanager
def forgetting_compiled_code(case: Case) -> Iterator[None]:
    """Drop what torch.compile keeps of a compiled case: it holds on to the case's weights."""
    try:
        yield
    finally:
        if case.mode == "compiled":
            import torch

            torch.compiler.reset()


def failed_record(case: Case, error: CaseError) -> Record:
    """Return the record of a case that ended with `error`: its settings, and no measurements."""
    return Record(
        case=str(case),
        architecture=case.architecture,
        family=architecture(case.architecture).family,
        settings=settings_of(case),
        status=error.outcome,
    )


def settings_of(case: Case) -> dict[str, Any]:
    """Return the case's own settings as JSON values."""
    return {"question": case.question, **asdict(case)}


@dataclass(frozen=True, kw_only=True)
class OwnBenchmark:
    """A function of the user's own that processes `images` images a call; `architecture` may be empty."""

    id: str
    architecture: str
    run: Callable[[], object]
    images: int


def measure_own(own: OwnBenchmark, *, device: Device, stopwatch: Stopwatch) -> Record:
    """Time a function of the user's own and return its record."""
    with numerics(device), out_of_memory_as_case_error(device):
        rounds, calls = MANY_ROUNDS.plan(warmed_up(own.run, device)())
        times_s = stopwatch(own.run, rounds=rounds, calls=calls)
    rates = tuple(own.images / seconds for seconds in times_s)
    metrics = [(LATENCY_S, times_s), (IMAGES_PER_S, rates)] if times_s else []
    measurements = tuple(metric.measurement(samples, TIME_TOLERANCE) for metric, samples in metrics)
    return own_record(own, measurements, rounds=rounds, calls_per_round=calls)


def own_record(
    own: OwnBenchmark, measurements: tuple[Measurement, ...] = (), *, status: Status = "ok", **settings: Any
) -> Record:
    """Return the record of a user's own benchmark."""
    return Record(
        case=own.id,
        architecture=own.architecture,
        family=architecture(own.architecture).family if own.architecture else "",
        settings={"question": "own", "images": own.images, **settings},
        status=status,
        measurements=measurements,
    )
