"""Judges times of two revisions that two live processes measured alternately, by pairs, until they are decided.

A pair of processes says of a time the median, over its rounds, of the log ratio of the head's round to the base's
beside it. What varies is the pair. So pairs are added until a case is decided: proven worse (or better), at a level
that holds for all times of a suite and all looks together, or not worse by what matters, which is twice the tolerance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, log1p
from statistics import median

import numpy as np
from scipy.special import stdtrit

from vitcnn.gate.noise import moderated, prior_of
from vitcnn.gate.tails import tails, with_tail
from vitcnn.gate.times import SUITE_LEVEL, Evidence
from vitcnn.gate.verdict import Kind, Verdict
from vitcnn.quantity import percent, quantity
from vitcnn.record import Better, Measurement

LOOKS = (3, 5, 8, 12, 20, 32)
"""After so many pairs, and after the last, the suite is judged."""

MOST_PAIRS = LOOKS[-1]

OVERLOOKED = 0.05
"""Share of the times that grew by what matters that may be taken for not worse, at all looks together."""


@dataclass(frozen=True, kw_only=True)
class PairedTimes:
    """One metric of one case in every pair: the log ratio, positive where worse, and both sides' medians and tails."""

    case: str
    metric: str
    unit: str
    better: Better
    tolerance: float
    costs: tuple[float, ...]
    base: tuple[float, ...]
    head: tuple[float, ...]
    tails: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())

    @property
    def matters(self) -> float:
        """The relative change that must not be overlooked."""
        return 2 * self.tolerance


def paired_times(case: str, base: Sequence[Measurement], head: Sequence[Measurement]) -> PairedTimes:
    """Return one metric of one case from the measurements of each pair."""
    now = head[0]
    sign = 1 if now.better == "lower" else -1
    return PairedTimes(
        case=case,
        metric=now.metric,
        unit=now.unit,
        better=now.better,
        tolerance=now.tolerance,
        costs=tuple(sign * log_ratio(one.samples, other.samples) for one, other in zip(base, head, strict=True)),
        base=tuple(median(entry.samples) for entry in base),
        head=tuple(median(entry.samples) for entry in head),
        tails=(tails(base), tails(head)),
    )


def log_ratio(base: Sequence[float], head: Sequence[float]) -> float:
    """Return the median log ratio of rounds that were taken side by side; nan where a clock stood still.

    Of the medians, where the sides have different numbers of rounds.
    """
    if min(*base, *head) <= 0:
        return float("nan")
    if len(base) != len(head):
        return log(median(head) / median(base))
    return median(log(now / before) for before, now in zip(base, head, strict=True))


def judge_pairs(times: Sequence[PairedTimes]) -> list[Verdict]:
    """Return a verdict for each metric, in order; INCONCLUSIVE is what more pairs could decide."""
    usable = [entry for entry in times if not np.isnan(entry.costs).any()]
    found = dict(zip(map(id, usable), weigh_pairs(usable), strict=True))
    level = SUITE_LEVEL / len(LOOKS) / max(1, len(usable))
    return [_verdict(entry, found[id(entry)], level) if id(entry) in found else _invalid(entry) for entry in times]


def weigh_pairs(times: Sequence[PairedTimes]) -> list[Evidence]:
    """Return the evidence on each metric: the variances between pairs of all of them are moderated together."""
    if not times:
        return []
    counts = np.array([len(entry.costs) for entry in times])
    squares = np.array([len(entry.costs) * np.var(entry.costs) for entry in times])
    variances, dof = moderated(squares, counts - 1, prior_of(squares, counts - 1))
    columns = zip(times, variances, np.where(counts > 1, dof, 0.0), strict=True)
    return [
        Evidence(
            effect=float(np.mean(entry.costs)),
            error=float(np.sqrt(variance / len(entry.costs))),
            noise=float(np.sqrt(variance)),
            dof=float(freedom),
        )
        for entry, variance, freedom in columns
    ]


def _kind(entry: PairedTimes, evidence: Evidence, level: float) -> Kind:
    """Decide where it can be decided. One odd pair proves nothing: the median pair must say so too.

    A single pair does not show the noise. What it shows as better proves nothing; what it shows as worse is still red.
    """
    size, middle = abs(evidence.effect), median(entry.costs) * np.sign(evidence.effect)
    if min(size, middle) > log1p(entry.tolerance) and evidence.chance(size) <= level:
        if evidence.effect > 0:
            return "WORSE"
        return "BETTER" if evidence.dof > 0 else "INCONCLUSIVE"
    return "SAME" if _most(evidence) < log1p(entry.matters) else "INCONCLUSIVE"


def _most(evidence: Evidence) -> float:
    """Return the log ratio that the cost does not exceed, but for OVERLOOKED of the times, at all looks together."""
    if evidence.dof <= 0:
        return evidence.effect
    return float(evidence.effect - stdtrit(evidence.dof, OVERLOOKED / len(LOOKS)) * evidence.error)


def _verdict(entry: PairedTimes, evidence: Evidence, level: float) -> Verdict:
    kind = _kind(entry, evidence, level)
    change = float(np.expm1(evidence.effect if entry.better == "lower" else -evidence.effect))
    most = float(np.expm1(_most(evidence)))
    noise = f"noise between pairs {100 * evidence.noise:.1f} %"
    parts = [
        f"{_middle(entry.head, entry.unit)}, base {_middle(entry.base, entry.unit)}: {percent(change)}, round by round",
        f"tolerance {100 * entry.tolerance:g} %",
        f"{_pairs(entry)}, {noise}" if evidence.dof > 0 else "one pair, so only the tolerance decides",
    ]
    if kind == "INCONCLUSIVE" and evidence.dof <= 0:
        parts[-1] = "one pair cannot tell whether this is noise: measure more pairs"
    elif kind == "INCONCLUSIVE":
        parts.append(f"undecided: it may be worse by up to {percent(most)[1:]}")
    hidden = max(most, entry.matters) if kind == "INCONCLUSIVE" else entry.matters
    verdict = Verdict(
        kind=kind,
        case=entry.case,
        metric=entry.metric,
        reason=", ".join(parts),
        change=change,
        visible=hidden,
        hidden=hidden,
    )
    return with_tail(verdict, *entry.tails)


def _invalid(entry: PairedTimes) -> Verdict:
    least = min(*entry.base, *entry.head)
    reason = f"times must be above 0, got a median of {quantity(least, entry.unit)}: check the clock"
    return Verdict(kind="INVALID", case=entry.case, metric=entry.metric, reason=reason)


def _middle(medians: tuple[float, ...], unit: str) -> str:
    return quantity(float(np.exp(np.mean(np.log(medians)))), unit)


def _pairs(entry: PairedTimes) -> str:
    return f"{len(entry.costs)} pairs"
