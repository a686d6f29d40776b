"""Finds times with occasional slow calls, which the mean of the rounds shows and their median does not.

Its statistic is a run's tail, the mean of its rounds over their median. Neighbours make tails too, and no two machines
the same ones, so no distribution is assumed: the shortest tail of today's runs is compared with the longest of the
baseline's. Of unchanged code with five runs before and nine now, one case in 2,002 shows every tail of today longer
than all of the baseline's, and far fewer longer by a quarter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean, median

from vitcnn.gate.verdict import Verdict
from vitcnn.quantity import percent
from vitcnn.record import Measurement

LONGER = 1.25
"""A tail counts from here: others who take the processor, short of STARVED in `gate/times.py`, make it no longer."""

ENOUGH_ROUNDS = 3
"""Rounds from which a run has a tail."""

ENOUGH_RUNS = 3
"""Runs on either side from which tails are compared."""


def tail(rounds: Sequence[float]) -> float | None:
    """Return the mean of a run's rounds over their median; None of too few rounds."""
    if len(rounds) < ENOUGH_ROUNDS or median(rounds) <= 0:
        return None
    return fmean(rounds) / median(rounds)


def tails(measurements: Sequence[Measurement]) -> tuple[float, ...]:
    """Return the tail of each run where lower is better; none where a run has too few rounds for one."""
    found = [tail(measurement.samples) for measurement in measurements if measurement.better == "lower"]
    known = tuple(entry for entry in found if entry is not None)
    return known if len(known) == len(found) else ()


def growth(before: Sequence[float], now: Sequence[float]) -> float:
    """Return by what today's shortest tail exceeds the baseline's longest: 0.3 is 30 %; 0 where there are too few."""
    if len(before) < ENOUGH_RUNS or not now:
        return 0.0
    return max(0.0, min(now) / max(before) - 1)


def with_tail(verdict: Verdict, before: Sequence[float], now: Sequence[float], *, is_starved: bool = False) -> Verdict:
    """Return the verdict on a time, which a long tail makes worse: open until enough runs have shown it."""
    grown = growth(before, now)
    if grown <= LONGER - 1 or verdict.kind in ("WORSE", "INVALID"):
        return verdict
    what = f"some calls are slow: the mean of the rounds exceeds their median by {percent(min(now) - 1)[1:]} or more"
    reason = f"{verdict.reason}, but {what}, in the baseline by at most {percent(max(before) - 1)[1:]}"
    if len(now) < ENOUGH_RUNS:
        return replace(verdict, kind="INCONCLUSIVE", reason=f"{reason}; so few runs do not prove it", standing="open")
    if is_starved:
        return replace(verdict, kind="INVALID", reason=f"{reason}; other programs used the processor: measure again")
    return replace(verdict, kind="WORSE", reason=reason, standing="open")
