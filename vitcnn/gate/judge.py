"""Judges runs by a baseline: matches the cases, finds what cannot be compared, and collects the verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product

from vitcnn.gate.baseline import Baseline
from vitcnn.gate.counted import uncomparable
from vitcnn.gate.coverage import Coverage, cover
from vitcnn.gate.parts_of_scores import fallen_parts
from vitcnn.gate.remarks import (
    common_shift,
    nearly_blind,
    one_run,
    software_differences,
    tolerance_changes,
    without_counts,
)
from vitcnn.gate.sorting import judge_measured
from vitcnn.gate.verdict import RECORD_FIRST, Judgement, Verdict, cannot_judge, invalid_run, worst_first
from vitcnn.metrics import is_time
from vitcnn.quantity import counted
from vitcnn.record import Environment, Run


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
        alone=alone,
    )
    verdicts = [
        *coverage.verdicts,
        *too_blind(compared, paired=paired),
        *compared,
        *([invalid_run(f"{others}. {RECORD_FIRST}")] if counts_only and others.num_figures else []),
    ]
    uncounted = sorted(set(coverage.measured) - {verdict.case for verdict in compared}) if counts_only else []
    remarks = (*coverage.remarks, *([f"{others}."] if others.num_figures and not counts_only else []))
    if not verdicts:
        reason = f"nothing was judged: {'; '.join(remarks) or 'no case has a metric to judge'}"
        verdicts = [invalid_run(reason)]
    return Judgement(
        verdicts=worst_first(verdicts),
        drift=drift(coverage, baseline, verdicts, counts_only=counts_only, alone=alone),
        remarks=(
            *remarks,
            *([] if counts_only else fallen_parts(coverage, baseline)),
            *common_shift(verdicts),
            *nearly_blind(verdicts, paired=paired),
            *([] if counts_only else one_run(coverage, baseline, paired=paired)),
            *software_differences(runs, baseline),
            *tolerance_changes(coverage, baseline),
            *without_counts(uncounted),
        ),
        scope=coverage.scope,
        not_judged=tuple(
            f"{counted(number, noun)} {why}"
            for number, noun, why in (
                (others.num_figures, "count", "under other software"),
                (coverage.num_skipped, "case", "skipped and without a baseline"),
                (len(uncounted), "case", "without a count"),
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


def too_blind(verdicts: Iterable[Verdict], *, paired: bool) -> list[Verdict]:
    """Return a verdict on the whole run if most of its times are blind, otherwise none."""
    hidden = [verdict for verdict in verdicts if verdict.hidden is not None]
    blind = sum(verdict.is_blind for verdict in hidden)
    if 2 * blind <= len(hidden):
        return []
    which = f"{blind} of {len(hidden)} times are blind: the noise could hide even a doubled time"
    if paired:
        return [invalid_run(f"{which}. Use a quieter machine, or compare only counts (--mode counts)")]
    do = "Use a quieter machine, or `vitcnn compare` on a shared one, or compare only counts (mode counts)"
    return [invalid_run(f"{which}. {do}")]


def drift(
    coverage: Coverage,
    baseline: Baseline,
    verdicts: Iterable[Verdict],
    *,
    counts_only: bool,
    alone: frozenset[int],
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
