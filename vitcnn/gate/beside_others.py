"""Finds cases that are slower together with other cases than alone, which reruns of single cases would not show.

A benchmark may leave something behind that slows those after it: a global setting, a cache that grows, a thread. Then
the first run, of the whole suite as the baseline's are, is slow, and the suspects, measured again without the others,
are not. One disturbed run looks the same, and so does a case with two modes now and then. So the whole suite is
measured again, up to three times; where it is slow each time, the runs of the whole suite alone judge the case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp, log1p, sqrt
from statistics import fmean

from vitcnn.gate.times import RunMedians, suite_level, weigh
from vitcnn.gate.verdict import Verdict
from vitcnn.quantity import counted, percent

ENOUGH_RUNS = 4
"""Runs of the whole suite that must agree before they overrule those that measured the case alone. A case that is slow
in one process of five shows four slow ones in a row 16 times in 10,000, after two that were fast alone 10 times."""


def slower_in_company(times: Sequence[RunMedians]) -> dict[int, float]:
    """Return by what factor times are slower in company than alone, by their place; only of those that certainly are.

    Every run of the whole suite must exceed every run alone by the tolerance, and their mean by more than the noise
    between processes explains, at the level of the suite.
    """
    known = [place for place, entry in enumerate(times) if min(*entry.baseline, *entry.current) > 0]
    if not any(any(times[place].alone) for place in known):
        return {}
    level, found = suite_level(len(known)), {}
    for place, evidence in zip(known, weigh([in_company(times[place]) for place in known]), strict=True):
        costs = [times[place].cost(value) for value in times[place].current]
        alone = [cost for cost, is_alone in zip(costs, times[place].alone, strict=False) if is_alone]
        if not alone or len(alone) == len(costs):
            continue
        beside = min(cost for cost, is_alone in zip(costs, times[place].alone, strict=True) if not is_alone)
        gap, error = beside - fmean(alone), evidence.noise * sqrt(1 + 1 / len(alone))
        is_beyond_all = beside - max(alone) > log1p(times[place].tolerance)
        if is_beyond_all and replace(evidence, error=error).chance(gap) <= level:
            found[place] = exp(gap)
    return found


def in_company(entry: RunMedians) -> RunMedians:
    """Return what the runs of the whole suite say of a time."""
    if not any(entry.alone) or all(entry.alone):
        return entry
    kept = [place for place, is_alone in enumerate(entry.alone) if not is_alone]
    before, now = entry.tails
    return replace(
        entry,
        current=tuple(entry.current[place] for place in kept),
        alone=(),
        tails=(before, tuple(now[place] for place in kept) if now else ()),
    )


def with_company(verdict: Verdict, entry: RunMedians, factor: float) -> Verdict:
    """Return the verdict on a time that is slower in company: undecided until enough runs of the whole suite say so.

    `entry` is the time as those runs have it.
    """
    reason = f"{verdict.reason}; together with the other cases it is slower than alone, by {percent(factor - 1)[1:]}"
    if verdict.kind in ("SAME", "BETTER"):
        return replace(verdict, standing="clear")
    if len(entry.current) < ENOUGH_RUNS:
        reason = f"{reason}, in {counted(len(entry.current), 'run')} of the whole suite"
        return replace(verdict, kind="INCONCLUSIVE", reason=reason, standing="in company")
    reason = f"{reason}: another case slows it down, such as by a global setting, a thread or a cache"
    return replace(verdict, reason=reason, standing="clear")


def all_in_company(times: Sequence[RunMedians], slower: Mapping[int, float]) -> list[RunMedians]:
    """Return the times, those that are slower in company without the runs that measured them alone."""
    return [in_company(entry) if place in slower else entry for place, entry in enumerate(times)]
