"""Times: worse only beyond the tolerance and beyond the noise between processes.

What is compared is the logarithm of each run's median. The level of the tests holds for a whole suite and for all looks
that re-measuring takes, so that of a hundred suites in which nothing changed one is red.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np
from scipy.special import stdtr, stdtrit

from vitcnn.gate.noise import Prior, moderated, prior_of
from vitcnn.gate.verdict import Kind, Verdict
from vitcnn.quantity import percent, quantity, span
from vitcnn.record import Better

SUITE_LEVEL = 0.01
"""Share of the suites in which nothing changed that may be red."""

LOOKS = 4
"""How often a suspect is measured again, and looked at, at most."""

BLIND = 0.5
"""Where noise hides even a time that grows by half, nothing can be said of it."""

UNCONFIRMED_LOOKS = 1
"""After so many of them a change that looks proven is still doubted: a case with two modes fools one too often."""

USUAL_RERUNS = 2
"""Processes of a round where nobody says otherwise."""

SUSPICION_LEVEL = 0.05
"""A change beyond the tolerance that noise would show this seldom is suspicious, if not yet proven."""

DETECTION = 0.95
"""Share of the changes of the smallest visible size that are seen."""


@dataclass(frozen=True, kw_only=True)
class RunMedians:
    """One metric of one case: the median of each run's samples, in the order of the runs.

    With `paired`, the runs of baseline and current were taken in turns and are compared pair by pair.
    """

    case: str
    metric: str
    unit: str
    better: Better
    tolerance: float
    baseline: tuple[float, ...]
    current: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Cost of the current runs against the baseline: log ratios, positive where worse; (metrics,) each.

    `sums_of_squares` and `dof` are the residuals'; `share` times the variance is the variance of `effect`.
    """

    effect: np.ndarray
    sums_of_squares: np.ndarray
    dof: np.ndarray
    share: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of one metric. Logarithms, positive where worse, but for the degrees of freedom."""

    effect: float
    error: float
    noise: float
    dof: float

    def chance(self, effect: float) -> float:
        """Return how often noise alone shows an effect this large."""
        return float(stdtr(self.dof, -effect / self.error)) if self.dof > 0 else 0.0

    def smallest_visible(self, *, level: float, tolerance: float, detection: float = DETECTION) -> float:
        """Return the relative change that is seen a share `detection` of the time."""
        if self.dof <= 0:
            return tolerance
        least = max(np.log1p(tolerance), -stdtrit(self.dof, level) * self.error)
        return float(np.expm1(least + stdtrit(self.dof, detection) * self.error))


def judge_times(medians: Sequence[RunMedians], *, paired: bool = False) -> list[Verdict]:
    """Return a verdict for each metric, in order, at a level that holds for all of them together."""
    usable = [entry for entry in medians if min(*entry.baseline, *entry.current) > 0]
    found = dict(zip(map(id, usable), weigh(usable, paired=paired), strict=True))
    level = suite_level(len(usable))
    return [
        _verdict(entry, found[id(entry)], level, paired=paired) if id(entry) in found else _invalid(entry)
        for entry in medians
    ]


def suite_level(num_tests: int) -> float:
    """Return the level of one test among `num_tests` at one of the looks that can prove a change, by Bonferroni."""
    return SUITE_LEVEL / (LOOKS - UNCONFIRMED_LOOKS) / max(1, num_tests)


def weigh(medians: Sequence[RunMedians], *, paired: bool = False) -> list[Evidence]:
    """Return the evidence on each metric, the variances of all of them moderated together."""
    if not medians:
        return []
    contrast = _of_pairs(medians) if paired else _of_groups(medians)
    variances, dof = moderated(contrast.sums_of_squares, contrast.dof, _prior(medians, contrast, paired=paired))
    errors = np.sqrt(variances * contrast.share)
    alone = np.array([len(entry.baseline) < 2 for entry in medians])
    columns = zip(contrast.effect, errors, np.sqrt(variances), np.where(alone, 0.0, dof), strict=True)
    return [
        Evidence(effect=float(effect), error=float(error), noise=float(noise), dof=float(freedom))
        for effect, error, noise, freedom in columns
    ]


def visible_change(entry: RunMedians, evidence: Evidence, level: float, *, paired: bool) -> float | None:
    """Return the relative change that is seen `DETECTION` of the time, or None where the noise is not known.

    It must be suspicious now, and proven by the runs that full re-measuring gives: either look may miss half of what
    is missed. Pairs are not measured again.
    """
    if evidence.dof <= 0:
        return None
    if paired:
        return evidence.smallest_visible(level=level, tolerance=entry.tolerance)
    runs = max(len(entry.current), 1 + LOOKS * USUAL_RERUNS)
    error = evidence.noise * float(np.sqrt(1 / len(entry.baseline) + 1 / runs))
    final = replace(evidence, error=error, dof=evidence.dof + runs - len(entry.current))
    each = (1 + DETECTION) / 2
    return max(
        evidence.smallest_visible(level=SUSPICION_LEVEL, tolerance=entry.tolerance, detection=each),
        final.smallest_visible(level=level, tolerance=entry.tolerance, detection=each),
    )


def _prior(medians: Sequence[RunMedians], contrast: Contrast, *, paired: bool) -> Prior:
    """Learn from the baseline alone where it stands alone: no case was chosen by what it shows there."""
    if paired:
        return prior_of(contrast.sums_of_squares, contrast.dof)
    residues = np.array([_log_moments(entry.baseline)[1] for entry in medians])
    return prior_of(residues, np.array([len(entry.baseline) - 1 for entry in medians]))


def _of_groups(medians: Sequence[RunMedians]) -> Contrast:
    before, before_residues = np.array([_log_moments(entry.baseline) for entry in medians]).T
    now, now_residues = np.array([_log_moments(entry.current) for entry in medians]).T
    counts = np.array([(len(entry.baseline), len(entry.current)) for entry in medians])
    return Contrast(
        effect=np.array([_sign(entry) for entry in medians]) * (now - before),
        sums_of_squares=before_residues + now_residues,
        dof=counts.sum(axis=1) - 2,
        share=(1 / counts).sum(axis=1),
    )


def _of_pairs(medians: Sequence[RunMedians]) -> Contrast:
    ratios = [[now / before for before, now in zip(m.baseline, m.current, strict=True)] for m in medians]
    means, residues = np.array([_log_moments(entry) for entry in ratios]).T
    counts = np.array([len(entry) for entry in ratios])
    return Contrast(
        effect=np.array([_sign(entry) for entry in medians]) * means,
        sums_of_squares=residues,
        dof=counts - 1,
        share=1 / counts,
    )


def _log_moments(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean of the logarithms, and the sum of their squared distances from it."""
    logs = [log(value) for value in values]
    mean = sum(logs) / len(logs)
    return mean, sum((entry - mean) ** 2 for entry in logs)


def _sign(entry: RunMedians) -> int:
    return 1 if entry.better == "lower" else -1


def _verdict(entry: RunMedians, evidence: Evidence, level: float, *, paired: bool) -> Verdict:
    kind = _kind(entry, evidence, level)
    hidden = visible_change(replace(entry, tolerance=0.0), evidence, level, paired=paired)
    if kind == "SAME" and hidden is not None and hidden > BLIND:
        kind = "INCONCLUSIVE"
    change = float(np.expm1(_sign(entry) * evidence.effect))
    parts = [
        f"median {_runs(entry.current, entry.unit)}, baseline {_runs(entry.baseline, entry.unit)}: {percent(change)}",
        f"tolerance {100 * entry.tolerance:g} %",
        f"{'noise between pairs' if paired else 'between-run noise'} {100 * evidence.noise:.1f} %"
        if evidence.dof > 0
        else "the baseline is one run, so that the tolerance alone decides",
    ]
    if kind == "INCONCLUSIVE":
        visible = evidence.smallest_visible(level=level, tolerance=entry.tolerance)
        parts.append(f"too noisy to tell: the smallest change that these runs show is {percent(visible)[1:]}")
    return Verdict(
        kind=kind,
        case=entry.case,
        metric=entry.metric,
        reason=", ".join(parts),
        change=change,
        hidden=hidden,
    )


def _kind(entry: RunMedians, evidence: Evidence, level: float) -> Kind:
    size = abs(evidence.effect)
    if size <= np.log1p(entry.tolerance) or evidence.chance(size) > SUSPICION_LEVEL:
        return "SAME"
    if evidence.chance(size) > level:
        return "INCONCLUSIVE"
    return "WORSE" if evidence.effect > 0 else "BETTER"


def _invalid(entry: RunMedians) -> Verdict:
    reason = f"times must be above 0, got {quantity(min(*entry.baseline, *entry.current), entry.unit)}: check the clock"
    return Verdict(kind="INVALID", case=entry.case, metric=entry.metric, reason=reason)


def _runs(medians: tuple[float, ...], unit: str) -> str:
    middle = quantity(float(np.exp(np.mean(np.log(medians)))), unit)
    return middle if len(medians) == 1 else f"{middle} ({len(medians)} runs, {span(medians, unit)})"
