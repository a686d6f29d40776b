"""Estimates from runs of one revision how noisy a machine is, and the smallest change that the gate can detect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, stdev

import numpy as np

from vitcnn.gate.noise import moderated, prior_of
from vitcnn.gate.times import ALL_RERUNS, Evidence, RunMedians, suite_level, visible_change
from vitcnn.metrics import is_time
from vitcnn.record import Measurement, Run

BASELINE_RUNS = 5
"""Runs of the baseline that the answer is for: what `vitcnn baseline record` makes."""

STEP = 0.005
"""Suggested tolerances are multiples of half a per cent."""

LARGEST_TOLERANCE = 0.5
"""Where noise hides even a time that grows by half, no tolerance helps."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How one timed metric of one case varies between runs, and what the gate can see of it. Shares: 0.01 is 1 %.

    `noise` is the standard deviation of the logarithms of the run medians. `visible` is the smallest change that is
    seen 95 % of the time, suspects being measured again; `floor` is the same without a tolerance: what noise alone
    hides.
    """

    case: str
    metric: str
    unit: str
    tolerance: float
    medians: tuple[float, ...]
    noise: float
    visible: float
    floor: float

    @property
    def name(self) -> str:
        """The case and the metric, as one name."""
        return f"{self.case}::{self.metric}"

    @property
    def can_be_gated(self) -> bool:
        """Whether noise hides no more than the tolerance does."""
        return self.floor <= self.tolerance

    @property
    def suggested_tolerance(self) -> float | None:
        """The tolerance, or where noise hides more, what it hides: rounded up to half a per cent.

        None where that would be more than `LARGEST_TOLERANCE`.
        """
        if self.can_be_gated:
            return self.tolerance
        return STEP * math.ceil(self.floor / STEP) if self.floor <= LARGEST_TOLERANCE else None


@dataclass(frozen=True, kw_only=True)
class Noise:
    """The spread of each timed metric, the noisiest first, and why others have none.

    `left_out` maps the name of a metric to the reason, `throttled` names the cases during which a GPU was slowed down.
    """

    spreads: tuple[Spread, ...]
    left_out: dict[str, str]
    throttled: tuple[str, ...]


def noise_of(runs: Sequence[Run]) -> Noise:
    """Return what runs of one revision on one device say about its noise."""
    usable, left_out = {}, {}
    for name, measured in _timed(runs).items():
        medians = [median(measurement.samples) for measurement in measured]
        if len(medians) < 2:
            left_out["::".join(name)] = "measured in one run"
        elif min(medians) <= 0:
            left_out["::".join(name)] = "times must be above 0: check the clock"
        else:
            usable[name] = (measured[0], tuple(medians))
    records = [record for run in runs for record in run.records]
    throttled = [record.case for record in records if record.throttled_by]
    spreads = sorted(_spreads(usable), key=lambda spread: -spread.noise)
    return Noise(spreads=tuple(spreads), left_out=left_out, throttled=tuple(dict.fromkeys(throttled)))


def _timed(runs: Sequence[Run]) -> dict[tuple[str, str], list[Measurement]]:
    """Return the timed measurements of each case and metric, one a run in which the case passed."""
    found: dict[tuple[str, str], list[Measurement]] = {}
    for record in (record for run in runs for record in run.records):
        for measurement in record.measurements:
            if is_time(measurement.metric):
                found.setdefault((record.case, measurement.metric), []).append(measurement)
    return found


def _spreads(measured: dict[tuple[str, str], tuple[Measurement, tuple[float, ...]]]) -> list[Spread]:
    if not measured:
        return []
    spreads = np.array([stdev(map(math.log, medians)) for _, medians in measured.values()])
    first_looks = first_looks_at(spreads, np.array([len(medians) - 1 for _, medians in measured.values()]))
    level = suite_level(len(measured))
    return [
        Spread(
            case=case,
            metric=metric,
            unit=measurement.unit,
            tolerance=measurement.tolerance,
            medians=medians,
            noise=float(noise),
            visible=_visible(measurement, look, measurement.tolerance, level),
            floor=_visible(measurement, look, 0.0, level),
        )
        for ((case, metric), (measurement, medians)), noise, look in zip(
            measured.items(), spreads, first_looks, strict=True
        )
    ]


def first_looks_at(spreads: np.ndarray, dof: np.ndarray) -> list[Evidence]:
    """Return what the gate will know of each metric, (metrics,), of one run and a baseline where nothing changed.

    `spreads` are standard deviations with `dof` degrees of freedom.
    """
    squares = dof * spreads**2
    variances, freedom = moderated(squares, dof, prior_of(squares, dof))
    borrowed = np.minimum(freedom - dof, (len(spreads) - 1) * (BASELINE_RUNS - 1))
    noises = np.sqrt(variances)
    errors = noises * math.sqrt(1 / BASELINE_RUNS + 1)
    columns = zip(errors, noises, borrowed + BASELINE_RUNS - 1, strict=True)
    return [Evidence(effect=0.0, error=float(e), noise=float(n), dof=float(f)) for e, n, f in columns]


def _visible(measurement: Measurement, look: Evidence, tolerance: float, level: float) -> float:
    entry = RunMedians(
        case="",
        metric=measurement.metric,
        unit=measurement.unit,
        better=measurement.better,
        tolerance=tolerance,
        baseline=(1.0,) * BASELINE_RUNS,
        current=(1.0,),
    )
    change = visible_change(entry, look, level, more_runs=ALL_RERUNS)
    assert change is not None, "the noise is known"
    return change
