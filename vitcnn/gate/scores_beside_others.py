"""Finds accuracies that differ beside other cases from what they are alone, which reruns of single cases would hide.

A case may leave something behind that changes how those after it train: a setting, a counter, a shared layer. The first
run is of the whole suite, as the baseline's are, and the suspects are measured again without the others. Where these
two would be judged differently, the whole suite is measured again, and only runs of the whole suite judge the score.
Where the difference is gone then, nobody knows where it came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

import numpy as np

from vitcnn.gate.beside_others import ENOUGH_RUNS
from vitcnn.gate.score_spread import Spread, spread_of_groups
from vitcnn.gate.scores import judge_scores
from vitcnn.gate.seeds import SeedScores
from vitcnn.gate.times import Evidence
from vitcnn.gate.verdict import Verdict
from vitcnn.quantity import counted

COMPANY_LEVEL = 0.05
"""A gap that chance shows so seldom has the whole suite measured again. It proves nothing itself: the verdict does."""

AS_GOOD_AS_EQUAL = 0.2
"""Share of the tolerance up to which the same seeds came to the same beside the others and alone."""


@dataclass(frozen=True, kw_only=True)
class Falls:
    """How far a score fell beside the others and alone, and what is known of the gap between the two."""

    beside: float
    alone: float
    gap: Evidence

    def would_be_judged_differently(self, tolerance: float) -> bool:
        """Whether one of the two is beyond the tolerance, and chance does not explain the gap between them."""
        is_beyond = (self.beside > tolerance, self.alone > tolerance)
        return len(set(is_beyond)) == 2 and self.gap.chance(abs(self.gap.effect)) <= COMPANY_LEVEL


def judge_beside_others(scores: Sequence[SeedScores], *, more_runs: int) -> list[Verdict]:
    """Return a verdict for each score, in order: by runs of the whole suite alone where the other cases matter."""
    gaps = other_in_company(scores)
    entries = [in_company(entry) if place in gaps else entry for place, entry in enumerate(scores)]
    return [
        with_company(verdict, entry, gaps[place]) if place in gaps else with_what_repeats(verdict, entry)
        for place, (entry, verdict) in enumerate(zip(entries, judge_scores(entries, more_runs=more_runs), strict=True))
    ]


def other_in_company(scores: Sequence[SeedScores]) -> dict[int, float]:
    """Return by how much scores are lower beside the others than alone, by their place; only of those that are."""
    if not any(entry.alone for entry in scores):
        return {}
    drops = [(entry.drops_of(entry.beside), entry.drops_of(entry.alone)) for entry in scores]
    now = [(_values(entry.beside), _values(entry.alone)) for entry in scores]
    before = [_values(entry.baseline) for entry in scores]
    of_drops = spread_of_groups(drops, prior=drops)
    of_seeds = spread_of_groups(
        [(group, *groups) for group, groups in zip(before, now, strict=True)], prior=[(group,) for group in before]
    )
    found = {}
    for place, entry in enumerate(scores):
        known = [_of_pairs(drops[place], of_drops[place]), _of_means(entry, of_seeds[place])]
        falls = min((falls for falls in known if falls), key=lambda falls: falls.gap.error, default=None)
        if falls and falls.would_be_judged_differently(entry.tolerance) and not _is_the_same_alone(entry):
            found[place] = falls.gap.effect
    return found


def _is_the_same_alone(entry: SeedScores) -> bool:
    """Whether the seeds that were trained both beside the others and alone came to the same, which few do by chance."""
    gaps = entry.gaps
    return bool(gaps) and abs(mean(gaps)) <= AS_GOOD_AS_EQUAL * entry.tolerance


def _values(scores: Mapping[int, float]) -> np.ndarray:
    return np.array([*scores.values()])


def _of_pairs(drops: tuple[np.ndarray, np.ndarray], spread: Spread) -> Falls | None:
    beside, alone = drops
    return _falls(float(beside.mean()), float(alone.mean()), drops, spread) if len(beside) and len(alone) else None


def _of_means(entry: SeedScores, spread: Spread) -> Falls | None:
    if not entry.beside or not entry.alone:
        return None
    before = mean(entry.baseline.values())
    beside, alone = _values(entry.beside), _values(entry.alone)
    return _falls(before - float(beside.mean()), before - float(alone.mean()), (beside, alone), spread)


def _falls(beside: float, alone: float, groups: tuple[np.ndarray, np.ndarray], spread: Spread) -> Falls:
    error = (spread.variance * sum(1 / len(group) for group in groups)) ** 0.5
    return Falls(beside=beside, alone=alone, gap=Evidence(effect=beside - alone, error=error, dof=spread.dof))


def in_company(entry: SeedScores) -> SeedScores:
    """Return what the runs of the whole suite say of a score."""
    return replace(entry, alone={}, most_runs=ENOUGH_RUNS)


def with_company(verdict: Verdict, entry: SeedScores, gap: float) -> Verdict:
    """Return the verdict on a score that is another in company: undecided until enough runs of the whole suite say so.

    `entry` is the score as those runs have it.
    """
    how = "lower" if gap > 0 else "higher"
    reason = f"{verdict.reason}; together with the other cases it is {how} than alone, by {100 * abs(gap):.1f} points"
    num_runs = len(entry.beside) // entry.seeds_per_run
    if num_runs < ENOUGH_RUNS:
        reason = f"{reason}, in {counted(num_runs, 'run')} of the whole suite"
        return replace(verdict, kind="INCONCLUSIVE", reason=reason, standing="in company")
    why = ": what runs before it makes it worse" if verdict.kind == "WORSE" else ""
    return replace(verdict, reason=f"{reason}{why}", standing="clear")


def with_what_repeats(verdict: Verdict, entry: SeedScores) -> Verdict:
    """Return the verdict on a score; undecided where the run's own seeds came to others when they were trained again.

    The code is the same, and so are the seeds. A cache on the disk that the first process made can be why.
    """
    gaps = entry.gaps[: entry.seeds_per_run]
    if verdict.kind != "SAME" or not gaps or abs(mean(gaps)) <= entry.tolerance:
        return verdict
    how = "higher" if mean(gaps) > 0 else "lower"
    what = f"its seeds came to {100 * abs(mean(gaps)):.1f} points {how} in the first process than when trained again"
    reason = f"{verdict.reason}; {what}: look for what a process leaves on the disk, and for results that vary"
    return replace(verdict, kind="INCONCLUSIVE", reason=reason)
