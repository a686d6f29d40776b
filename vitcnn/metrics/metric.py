"""Defines what a metric is: its name, unit, direction, tolerance, and how it is measured and judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from vitcnn.record import Better, Measurement
from vitcnn.spec import Case

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject


Rule = Literal["time", "amount", "exact", "counted", "score", "unjudged"]
"""How the gate judges a metric: a time, by the noise between processes; an amount that hardly varies, by its range; a
count, exactly; what is counted of a run, exactly too, but only where torch and the device's libraries are the
baseline's; a score of training, by its seeds; or not at all, since it restates what another metric of the record says,
or depends on what the machine kept from the last run."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number that cases report: how it is measured and judged, its unit, direction, tolerance.

    `reads` names what it reads of a case: `forward times`, `answers`, `counts`. Every question that provides that
    reports it.

    `measure` reads a subject whose rounds have run. It returns the samples, or none where the metric does not exist
    here (CUDA memory on a CPU). `tolerance` gives the relative change that is not worth a red build.
    """

    name: str
    unit: str
    better: Better
    tolerance: Callable[[Case], float]
    rule: Rule
    reads: str
    measure: Callable[[Subject], Sequence[float]]

    def of(self, subject: Subject) -> list[Measurement]:
        """Measure `subject`: one measurement, or none where the metric does not exist here."""
        samples = self.measure(subject)
        return [self.measurement(samples, self.tolerance(subject.case))] if len(samples) else []

    def measurement(self, samples: Sequence[float], tolerance: float) -> Measurement:
        """Return `samples` as a measurement of this metric."""
        return Measurement(
            metric=self.name, unit=self.unit, better=self.better, tolerance=tolerance, samples=tuple(samples)
        )


def seconds(subject: Subject) -> Sequence[float]:
    """Return each round's seconds a run, by the wall clock."""
    return subject.times_s


def seconds_per_image(subject: Subject) -> Sequence[float]:
    """Return each round's seconds a run, by the wall clock, divided by the images of a run."""
    return [of_run / subject.images_per_run for of_run in subject.times_s]


CLOCKS = (seconds, seconds_per_image)
"""What metrics measure that are the clock's own."""


def of_time(case: Case) -> float:
    """Tolerance of times and rates: the case's own."""
    return case.time_tolerance


def exact(_case: Case) -> float:
    """Tolerance of what is counted, not measured: none."""
    return 0.0


def one_percent(_case: Case) -> float:
    """Tolerance of what is nearly deterministic."""
    return 0.01
