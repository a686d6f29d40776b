"""Judges runs by a baseline: matches the cases, finds what cannot be compared, and collects the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from statistics import median

from vitcnn.gate.amounts import judge_amount, judge_exact
from vitcnn.gate.baseline import Baseline, CaseBaseline
from vitcnn.gate.beside_others import all_in_company, slower_in_company, with_company
from vitcnn.gate.counted import judge_counted, other_software, uncomparable
from vitcnn.gate.coverage import Coverage, cover
from vitcnn.gate.pairs import PairedTimes, judge_pairs, paired_times
from vitcnn.gate.scores import SeedScores, by_seed, judge_scores
from vitcnn.gate.settings import other_meaning
from vitcnn.gate.tails import tails
from vitcnn.gate.times import RunMedians, judge_times
from vitcnn.gate.verdict import Judgement, Verdict, cannot_judge, invalid_run, worst_first
from vitcnn.metrics import is_time, metrics
from vitcnn.metrics.energy import JOULES_PER_IMAGE
from vitcnn.quantity import counted, percent
from vitcnn.record import Environment, Measurement, Record, Run

SOFTWARE = ("driver", "cuda", "torch", "torchvision", "timm", "peft", "vitcnn", "python")

NEARLY_BLIND = 0.1
"""Times whose noise can hide a change of this size are named in a remark."""

ENOUGH_TIMES, NEARLY_ALL, SHIFT = 10, 0.9, 0.01
"""Minimum number of times, share of them that changed in the same direction, and median change, for a remark."""

NUM_NAMED = 3
"""How many metrics a remark names; the others are counted."""

RECORD_FIRST = "Record one with `vitcnn baseline record` and commit it."


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
        return [*self.verdicts, *times, *judge_scores(self.scores, more_runs=more_runs)]

    def _judged_times(self, more_runs: int) -> list[Verdict]:
        slower = slower_in_company(self.times)
        times = all_in_company(self.times, slower)
        return [
            with_company(verdict, entry, slower[place]) if place in slower else verdict
            for place, (entry, verdict) in enumerate(zip(times, judge_times(times, more_runs=more_runs), strict=True))
        ]


def judge(
    runs: Sequence[Run],
    baseline: Baseline,
    *,
    paired: bool = False,
    more_runs: int = 0,
    counts_only: bool = False,
) -> Judgement:
    """Judge runs of one revision together.

    The first run says what was asked for; more of them, such as re-measured suspects, add to its cases: `more_runs` of
    them at most, those that are there included. With `paired` each run of the baseline was taken in turns with the run
    of the same place in `runs`, round by round. With `counts_only` no time and no score is judged, and a count that
    cannot be compared is INVALID.
    """
    obstacle = what_forbids(runs, baseline)
    if obstacle:
        return cannot_judge(obstacle)
    coverage = cover(runs, baseline)
    others = uncomparable(coverage.measured, baseline.cases)
    alone = frozenset(id(record) for run in runs if not _is_whole(run, runs[0]) for record in run.records)
    compared = judge_measured(
        coverage.measured,
        baseline.cases,
        paired=paired,
        more_runs=more_runs,
        counts_only=counts_only,
        alone=frozenset() if paired else alone,
    )
    verdicts = [
        *coverage.verdicts,
        *too_blind(compared),
        *compared,
        *([invalid_run(f"{others}. {RECORD_FIRST}")] if counts_only and others.num_figures else []),
    ]
    remarks = (*coverage.remarks, *([f"{others}."] if others.num_figures and not counts_only else []))
    if not verdicts:
        reason = f"nothing was judged: {'; '.join(remarks) or 'no case has a metric to judge'}"
        verdicts = [invalid_run(reason)]
    return Judgement(
        verdicts=worst_first(verdicts),
        drift=drift(coverage, baseline, verdicts, counts_only=counts_only, alone=alone),
        remarks=(
            *remarks,
            *common_shift(verdicts),
            *nearly_blind(verdicts, paired=paired),
            *([] if counts_only else one_run(coverage, baseline, paired=paired)),
            *software_differences(runs, baseline),
            *tolerance_changes(coverage, baseline),
        ),
        scope=coverage.scope,
        not_judged=tuple(
            f"{counted(number, noun)} {why}"
            for number, noun, why in (
                (others.num_figures, "count", "under other software"),
                (coverage.num_skipped, "case", "skipped and without a baseline"),
            )
            if number
        ),
        judged_by="" if paired else f"the baseline of {runs[0].environment.device_key}",
    )


def _is_whole(run: Run, first: Run) -> bool:
    """Whether a run measured all that the first one did, and not some suspects alone."""
    return {record.case for record in first.records} <= {record.case for record in run.records}


def what_forbids(runs: Sequence[Run], baseline: Baseline) -> str:
    """Return why these runs cannot be judged by this baseline at all; empty where they can."""
    keys = sorted({run.environment.device_key for run in runs})
    if len(keys) > 1:
        return f"the current runs are of several devices: {', '.join(keys)}"
    if not baseline.cases:
        return f"there is no baseline for {keys[0]}. {RECORD_FIRST}"
    others = sorted({entry.device_key for entry in baseline.environments} - set(keys))
    if others:
        return f"measured on {keys[0]}, but the baseline is of {', '.join(others)}. {RECORD_FIRST}"
    outcomes = {case.outcome for run in runs for case in run.cases}
    if outcomes == {"disabled"}:
        return "nothing was timed: leave out --benchmark-disable and xdist's -n"
    return _other_numerics([run.environment for run in runs], baseline.environments)


def _other_numerics(ours: Sequence[Environment], theirs: Sequence[Environment]) -> str:
    pairs = product((entry.numerics for entry in theirs), (entry.numerics for entry in ours))
    changes = (
        f"{name} {before.get(name)} -> {now.get(name)}"
        for before, now in pairs
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    )
    changed = ", ".join(dict.fromkeys(changes))
    return f"numeric settings differ from the baseline: {changed}. {RECORD_FIRST}" if changed else ""


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
    other = other_meaning(before, now)
    if other:
        pile.verdicts.append(Verdict(kind="INVALID", case=case, reason=other))
        return
    for name in dict.fromkeys(m.metric for record in (*before, *now) for m in record.measurements):
        entry = metrics().get(name)
        old, new = _of_metric(before, name), _of_metric(now, name)
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
            _sort_score(pile, case, name, before, now)
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
    old, new = _of_metric(before, name), _of_metric(now, name)
    obstacle = _throttled("current", now, name) or _throttled("baseline", before, name)
    if paired and len(old) != len(new):
        obstacle = f"passed in {len(old)} runs of the base and {len(new)} of the head: each pair needs both"
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


def _sort_score(pile: Pile, case: str, name: str, before: Sequence[Record], now: Sequence[Record]) -> None:
    old, new = (
        [(seeds_of(record, name), record.samples(name)) for record in records if record.samples(name)]
        for records in (before, now)
    )
    if any(len(seeds) != len(scores) for seeds, scores in (*old, *new)):
        reason = "a record names more or fewer seeds than it has scores: measure again"
        pile.verdicts.append(Verdict(kind="INVALID", case=case, metric=name, reason=reason))
        return
    pile.scores.append(
        SeedScores(
            case=case,
            metric=name,
            tolerance=_of_metric(now, name)[0].tolerance,
            seeds_per_run=len(new[0][1]),
            baseline=by_seed(old),
            current=by_seed(new),
        )
    )


def seeds_of(record: Record, metric: str) -> Sequence[int]:
    """Return the seed behind each sample of a score; before seeds were recorded they were 0, 1, 2 ..."""
    named = record.settings.get("seeds")
    return named if isinstance(named, list) else range(len(record.samples(metric)))


def _of_metric(records: Sequence[Record], name: str) -> list[Measurement]:
    return [measurement for record in records for measurement in record.measurements if measurement.metric == name]


def _one_sided(case: str, metric: str, *, has_baseline: bool) -> Verdict:
    if has_baseline:
        is_count = metrics()[metric].rule == "counted"
        why = "two calls in a row gave different counts, or it was removed" if is_count else "it was removed"
        reason = (
            f"the baseline has this metric, the run does not: {why}. If this is intended, record the baseline again"
        )
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


def too_blind(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return a verdict on the whole run if most of its times are blind, otherwise none."""
    hidden = [verdict for verdict in verdicts if verdict.hidden is not None]
    blind = sum(verdict.is_blind for verdict in hidden)
    if 2 * blind <= len(hidden):
        return []
    which = f"{blind} of {len(hidden)} times are blind: the noise could hide even a doubled time"
    do = "Use a quieter machine, or `vitcnn compare` on a shared one, or compare only counts with --gate=counts"
    return [invalid_run(f"{which}. {do}")]


def drift(
    coverage: Coverage,
    baseline: Baseline,
    verdicts: Iterable[Verdict],
    *,
    counts_only: bool,
    alone: frozenset[int] = frozenset(),
) -> tuple[Verdict, ...]:
    """Return what became worse since the oldest baseline and is not already worse than the newest.

    Times that cannot be compared with the oldest baseline, because the machine was busy, are included.
    """
    known = {verdict.name for verdict in verdicts if verdict.kind in ("WORSE", "INVALID")}
    since_oldest = judge_measured(coverage.measured, baseline.oldest, counts_only=counts_only, alone=alone)
    return worst_first(
        [
            replace(verdict, reason=f"{verdict.reason}; baseline: {baseline.oldest[verdict.case].recording}")
            for verdict in since_oldest
            if verdict.name not in known
            and (verdict.kind == "WORSE" or (verdict.kind == "INVALID" and is_time(verdict.metric)))
        ]
    )


def common_shift(verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    """Return a line if nearly all times changed in the same direction, which a change of code seldom causes."""
    changes = [v.change for v in verdicts if v.change is not None and is_time(v.metric)]
    if len(changes) < ENOUGH_TIMES or abs(median(changes)) < SHIFT:
        return ()
    together = sum((change > 0) == (median(changes) > 0) for change in changes) / len(changes)
    if together < NEARLY_ALL:
        return ()
    which = (
        f"{100 * together:.0f} % of {len(changes)} times changed in the same direction, "
        f"by {percent(median(changes))} in the median"
    )
    return (
        f"{which}. The cause may be the machine or its software instead of the code: `vitcnn compare` shows which.",
    )


def one_run(coverage: Coverage, baseline: Baseline, *, paired: bool) -> tuple[str, ...]:
    """Return a line if cases are judged by a single run or pair, which does not show the noise."""
    alone = [case for case in coverage.measured if baseline.cases[case].num_runs == 1]
    if not alone:
        return ()
    which = f"{len(alone)} of {len(coverage.measured)} cases"
    if paired:
        return (f"For {which} there is a single pair of runs, so only the tolerance decides, and no time is BETTER.",)
    return (f"For {which} the baseline is one run, so only the tolerance decides.",)


def nearly_blind(verdicts: Iterable[Verdict], *, paired: bool) -> tuple[str, ...]:
    """Return a line that names times, the noisiest first, whose noise hides even large changes as SAME.

    How large they are is said once for all times, as the smallest visible change in the last line.
    """
    hidden = {v.name: v.hidden for v in verdicts if v.kind == "SAME" and v.hidden and v.hidden > NEARLY_BLIND}
    if not hidden:
        return ()
    names = sorted(hidden, key=lambda name: -hidden[name])
    named = ", ".join(names[:NUM_NAMED])
    more = f", and {len(names) - NUM_NAMED} more" if len(names) > NUM_NAMED else ""
    runs = "More pairs" if paired else "More baseline runs, longer rounds"
    return (f"Noisiest times: {named}{more}. {runs} or a quieter machine make smaller changes visible.",)


def software_differences(runs: Sequence[Run], baseline: Baseline) -> tuple[str, ...]:
    """Return a line that names the software that differs from the newest baseline's; none where all is the same."""
    before, now = baseline.environments[-1], runs[0].environment
    changed = [
        f"{name} {getattr(before, name) or 'unknown'} -> {getattr(now, name) or 'unknown'}"
        for name in SOFTWARE
        if getattr(before, name) != getattr(now, name)
    ]
    return (f"Software that differs from the baseline: {', '.join(changed)}.",) if changed else ()


def tolerance_changes(coverage: Coverage, baseline: Baseline) -> tuple[str, ...]:
    """Return a line that names the cases whose tolerance is no longer that of their baseline."""
    changed = [
        f"{case}::{new.metric} {100 * old.tolerance:g} % -> {100 * new.tolerance:g} %"
        for case, records in coverage.measured.items()
        for new in records[0].measurements
        for old in _of_metric(baseline.cases[case].records[-1:], new.metric)
        if new.tolerance != old.tolerance
    ]
    return (f"Tolerances that changed since the baseline: {', '.join(changed)}.",) if changed else ()
