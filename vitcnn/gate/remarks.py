"""What is remarked on a judgement: lines that change no verdict, and say what to make of the verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from vitcnn.gate.baseline import Baseline
from vitcnn.gate.coverage import Coverage
from vitcnn.gate.sorting import of_metric
from vitcnn.gate.verdict import Verdict
from vitcnn.metrics import is_time
from vitcnn.quantity import first_of, percent
from vitcnn.record import Run

SOFTWARE = ("driver", "cuda", "torch", "torchvision", "timm", "peft", "vitcnn", "python")

NEARLY_BLIND = 0.1
"""Times whose noise can hide a change of this size are named in a remark."""

ENOUGH_TIMES, NEARLY_ALL, SHIFT = 10, 0.9, 0.01
"""Minimum number of times, share of them that changed in the same direction, and median change, for a remark."""

NUM_NAMED = 3
"""How many metrics a remark names; the others are counted."""


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
    runs = "More pairs" if paired else "More baseline runs, longer rounds"
    return (f"Noisiest times: {first_of(names, NUM_NAMED)}. {runs} or a quieter machine make smaller changes visible.",)


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
        for old in of_metric(baseline.cases[case].records[-1:], new.metric)
        if new.tolerance != old.tolerance
    ]
    return (f"Tolerances that changed since the baseline: {', '.join(changed)}.",) if changed else ()


def without_counts(cases: Sequence[str]) -> tuple[str, ...]:
    """Return a line that names the cases of which the mode counts judged nothing."""
    return (f"Nothing of these cases was judged, since they have no counts: {', '.join(cases)}.",) if cases else ()
