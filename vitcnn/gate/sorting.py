"""Sorts the metrics of the cases that both sides measured by how they are judged, and judges them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from vitcnn.gate.amounts import judge_amount, judge_exact
from vitcnn.gate.baseline import CaseBaseline
from vitcnn.gate.beside_others import all_in_company, slower_in_company, with_company
from vitcnn.gate.counted import judge_counted, other_software
from vitcnn.gate.pairs import PairedTimes, judge_pairs, paired_times
from vitcnn.gate.scores_beside_others import judge_beside_others
from vitcnn.gate.seeds import SeedScores, by_seed
from vitcnn.gate.settings import other_meaning, other_models
from vitcnn.gate.tails import tails
from vitcnn.gate.times import RunMedians, judge_times
from vitcnn.gate.verdict import RECORD_AGAIN, RECORD_FIRST, Verdict
from vitcnn.metrics import metrics
from vitcnn.metrics.energy import JOULES_PER_IMAGE
from vitcnn.record import Measurement, Record


@dataclass(kw_only=True)
class Pile:
    """The metrics of all cases, sorted by how they are judged.

    Times are judged together, because they share a significance level and the estimate of the noise; so are scores.
    With `counts_only` neither is judged. `alone` are the ids of records measured without the rest of the suite.
    """

    counts_only: bool = False
    alone: frozenset[int] = frozenset()
    times: list[RunMedians] = field(default_factory=list)
    pairs: list[PairedTimes] = field(default_factory=list)
    scores: list[SeedScores] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    def judged(self, *, more_runs: int) -> list[Verdict]:
        """Return the verdicts on all metrics."""
        times = [*self._judged_times(more_runs), *judge_pairs(self.pairs)]
        return [*self.verdicts, *times, *judge_beside_others(self.scores, more_runs=more_runs)]

    def _judged_times(self, more_runs: int) -> list[Verdict]:
        slower = slower_in_company(self.times)
        times = all_in_company(self.times, slower)
        return [
            with_company(verdict, entry, slower[place]) if place in slower else verdict
            for place, (entry, verdict) in enumerate(zip(times, judge_times(times, more_runs=more_runs), strict=True))
        ]


def judge_measured(
    measured: Mapping[str, Sequence[Record]],
    baselines: Mapping[str, CaseBaseline],
    *,
    counts_only: bool,
    paired: bool = False,
    more_runs: int = 0,
    alone: frozenset[int] = frozenset(),
) -> list[Verdict]:
    """Return the verdicts on every metric of the cases that both sides have."""
    pile = Pile(counts_only=counts_only, alone=alone)
    for case, current in measured.items():
        if case in baselines:
            _sort(pile, case, baselines[case].records, current, paired=paired)
    return pile.judged(more_runs=more_runs)


def _sort(pile: Pile, case: str, before: Sequence[Record], now: Sequence[Record], *, paired: bool) -> None:
    """Sort the metrics of one case into the pile."""
    other = other_meaning(before, now) or other_models(before, now)
    if other:
        pile.verdicts.append(Verdict(kind="INVALID", case=case, reason=other))
        return
    for name in dict.fromkeys(m.metric for record in (*before, *now) for m in record.measurements):
        entry = metrics().get(name)
        old, new = of_metric(before, name), of_metric(now, name)
        if entry is None:
            reason = "this version of vitcnn does not have this metric: install the version that measured it"
            pile.verdicts.append(Verdict(kind="INVALID", case=case, metric=name, reason=reason))
        elif entry.rule == "unjudged" or (pile.counts_only and entry.rule in ("time", "score")):
            continue
        elif not new or not old:
            pile.verdicts.append(_one_sided(case, name, has_baseline=bool(old)))
        elif meanings := _other_unit(old, new):
            pile.verdicts.append(Verdict(kind="INVALID", case=case, metric=name, reason=meanings))
        elif entry.rule == "time":
            _sort_time(pile, case, name, before, now, paired=paired)
        elif entry.rule == "score":
            _sort_score(pile, case, name, before, now, paired=paired)
        elif entry.rule != "counted" or not other_software(name, before, now):
            pile.verdicts.append(AMOUNTS[entry.rule](case, old, new))


AMOUNTS: dict[str, Callable[[str, list[Measurement], list[Measurement]], Verdict]] = {
    "amount": judge_amount,
    "exact": judge_exact,
    "counted": judge_counted,
}


def _sort_time(
    pile: Pile, case: str, name: str, before: Sequence[Record], now: Sequence[Record], *, paired: bool
) -> None:
    old, new = of_metric(before, name), of_metric(now, name)
    obstacle = _throttled("current", now, name) or _throttled("baseline", before, name)
    if paired and len(old) != len(new):
        obstacle = (
            f"passed in {len(old)} runs of the base and {len(new)} of the head, and failed or was skipped in the "
            "others: each pair needs both"
        )
    if obstacle:
        pile.verdicts.append(Verdict(kind="INVALID", case=case, metric=name, reason=obstacle))
        return
    if paired:
        pile.pairs.append(paired_times(case, old, new))
        return
    pile.times.append(
        RunMedians(
            case=case,
            metric=name,
            unit=new[0].unit,
            better=new[0].better,
            tolerance=new[0].tolerance,
            baseline=tuple(median(m.samples) for m in old),
            current=tuple(median(m.samples) for m in new),
            cpus=(_cpus(before), _cpus(now)),
            tails=(tails(old), tails(new)),
            alone=tuple(id(record) in pile.alone for record in now if record.samples(name)),
        )
    )


def _cpus(records: Sequence[Record]) -> float:
    found = [record.settings.get("cpus") for record in records]
    known = [cpus for cpus in found if isinstance(cpus, float)]
    return median(known) if known else 0.0


def _sort_score(
    pile: Pile, case: str, name: str, before: Sequence[Record], now: Sequence[Record], *, paired: bool
) -> None:
    """Sort a score into the pile. With `paired` only whole runs count: later pairs measure cases alone, for times."""
    alone = [record for record in now if id(record) in pile.alone]
    whole = [record for record in now if id(record) not in pile.alone]
    if paired and whole:
        before, alone = before[: len(whole)], []
    old, beside, rerun = (
        [(seeds_of(record, name), record.samples(name)) for record in records if record.samples(name)]
        for records in (before, whole, alone)
    )
    if any(len(seeds) != len(scores) for seeds, scores in (*old, *beside, *rerun)):
        reason = "a record names more or fewer seeds than it has scores: measure again"
        pile.verdicts.append(Verdict(kind="INVALID", case=case, metric=name, reason=reason))
        return
    pile.scores.append(
        SeedScores(
            case=case,
            metric=name,
            tolerance=of_metric(now, name)[0].tolerance,
            seeds_per_run=len([*beside, *rerun][0][1]),
            baseline=by_seed(old),
            beside=by_seed(beside),
            alone=by_seed(rerun),
        )
    )


def seeds_of(record: Record, metric: str) -> Sequence[int]:
    """Return the seed behind each sample of a score; before seeds were recorded they were 0, 1, 2 ..."""
    named = record.settings.get("seeds")
    return named if isinstance(named, list) else range(len(record.samples(metric)))


def of_metric(records: Sequence[Record], name: str) -> list[Measurement]:
    """Return what records hold of a metric."""
    return [measurement for record in records for measurement in record.measurements if measurement.metric == name]


def _one_sided(case: str, metric: str, *, has_baseline: bool) -> Verdict:
    if has_baseline:
        is_count = metrics()[metric].rule == "counted"
        why = "two calls in a row gave different counts, or it was removed" if is_count else "it was removed"
        reason = f"the baseline has this metric, the run does not: {why}. {RECORD_AGAIN}"
        return Verdict(kind="MISSING", case=case, metric=metric, reason=reason)
    return Verdict(
        kind="NEW", case=case, metric=metric, reason=f"the baseline does not have this metric. {RECORD_FIRST}"
    )


def _other_unit(old: Sequence[Measurement], new: Sequence[Measurement]) -> str:
    """Say that a metric's unit or direction is not the baseline's, so that the numbers are not of one thing."""
    before, now = ({f"{m.unit}, {m.better} is better" for m in side} for side in (old, new))
    if before == now:
        return ""
    was, is_now = (" and ".join(sorted(side)) for side in (before, now))
    return f"its meaning differs from the baseline: {was} -> {is_now}. {RECORD_FIRST}"


def _throttled(whose: str, records: Sequence[Record], metric: str) -> str:
    is_energy = metric == JOULES_PER_IMAGE.name
    found = [record.energy_throttled_by if is_energy else record.throttled_by for record in records]
    throttled = [reasons for reasons in found if reasons]
    if not throttled:
        return ""
    reasons = sorted({reason for reasons in throttled for reason in reasons})
    what = f"{len(throttled)} of {len(records)} {whose} runs: {', '.join(reasons)}"
    return f"the GPU was throttled in {what}. Cool it, or limit its power, and measure again"
