"""Which cases can be compared, and what happened to the others, so that no case disappears unnoticed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vitcnn.gate.baseline import Baseline, CaseBaseline
from vitcnn.gate.verdict import Verdict
from vitcnn.quantity import counted
from vitcnn.recipes.parts import RANDOM
from vitcnn.record import CaseResult, Outcome, Record, Run, Selection
from vitcnn.spec import PRESETS

FAILURES: frozenset[Outcome] = frozenset(
    {"failed", "out_of_memory", "diverged", "leaked", "interrupted", "not_measured"}
)
"""Outcomes of a case that ran and gave no result."""


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """The records of each case that was measured and has a baseline; verdicts on the others; what was left out.

    `num_skipped` cases were skipped and have no baseline.
    """

    measured: Mapping[str, Sequence[Record]]
    verdicts: tuple[Verdict, ...]
    remarks: tuple[str, ...]
    scope: str
    num_skipped: int = 0


def cover(runs: Sequence[Run], baseline: Baseline) -> Coverage:
    """Account for every case of the runs and of the baseline."""
    results: dict[str, list[CaseResult]] = {case: [] for case in baseline.cases}
    for run in runs:
        for result in run.cases:
            results.setdefault(result.id, []).append(result)
    measured, verdicts, narrowed, skipped = {}, [], [], []
    for case, ended in results.items():
        records = [result.record for result in ended if result.outcome == "passed" and result.record]
        spoiled = _spoiled(case, ended)
        if spoiled:
            verdicts.append(spoiled)
        elif case not in baseline.cases:
            verdicts += _without_baseline(case, records)
            skipped += [result for result in ended if result.outcome == "skipped"]
        elif records:
            measured[case] = records
        elif is_left_out(case, ended, baseline.cases[case], runs[0].selection):
            narrowed.append(case)
        else:
            verdicts.append(_missing(case, ended, baseline.cases[case], runs[0].selection))
    num_cases = len(baseline.cases)
    scope = f"{num_cases - len(narrowed)} of the baseline's {num_cases} cases" if narrowed else ""
    remarks = (*_narrowing(scope, runs[0].selection), *_never_measured(skipped), *_removed(baseline))
    return Coverage(
        measured=measured,
        verdicts=tuple(verdicts),
        remarks=remarks,
        scope=scope,
        num_skipped=len({result.id for result in skipped}),
    )


def is_left_out(case: str, ended: Sequence[CaseResult], baseline: CaseBaseline, selection: Selection) -> bool:
    """Whether the command line left a case of the baseline out: then it is not missing.

    Of what was collected, -k and -m alone leave cases out. Paths excuse what lies outside all of them.
    """
    if ended:
        return bool(selection.keyword or selection.markers) and all(found.outcome == "deselected" for found in ended)
    record = baseline.records[-1]
    task, preset, seeds = (record.settings.get(name) for name in ("task", "preset", "num_seeds"))
    return bool(
        _is_outside(case, baseline.place, selection.paths)
        or (selection.architectures and record.architecture and record.architecture not in selection.architectures)
        or (selection.tasks and task is not None and task not in selection.tasks)
        or (selection.recipes and record.recipe and not _is_asked_for(record.recipe, selection.recipes))
        or (selection.weights and _starts_from(record) not in ("", RANDOM, selection.weights))
        or (selection.num_seeds and seeds is not None and seeds != selection.num_seeds)
        or (preset in PRESETS and PRESETS.index(preset) > PRESETS.index(selection.preset))
    )


def _is_asked_for(recipe: str, asked: Sequence[str]) -> bool:
    """Whether a recipe is one of those asked for: by its name, or by the changes that stand behind a comma."""
    has = set(recipe.split(",")[1:])
    return any(recipe == name or (name.startswith(",") and set(name[1:].split(",")) <= has) for name in asked)


def _starts_from(record: Record) -> str:
    """Return the weights that a record's recipe starts from; an empty string where nothing trained."""
    training = record.settings.get("training")
    return str(training.get("weights", "")) if isinstance(training, Mapping) else ""


def _is_outside(case: str, place: str, paths: Sequence[str]) -> bool:
    """Whether none of the paths that were named, folders, files and node ids, holds the case; where is it?"""
    node_id = case if case.startswith(place) else f"{place}[{case}]"
    held = any(
        name == path or name.startswith((f"{path}/", f"{path}::")) for path in paths for name in (place, node_id)
    )
    return bool(paths and place and not held)


def _spoiled(case: str, ended: Sequence[CaseResult]) -> Verdict | None:
    """Return the verdict on a case that ran without a result in any of the runs, or was measured in some alone."""
    failure = next((result for result in ended if result.outcome in FAILURES), None)
    if failure:
        reason = f"{failure.outcome.replace('_', ' ')}: {failure.reason}"
        return Verdict(kind="FAILED", case=case, reason=reason)
    disabled = next((result for result in ended if result.outcome == "disabled"), None)
    if disabled:
        return Verdict(kind="INVALID", case=case, reason=disabled.reason)
    skipped = [result for result in ended if result.outcome == "skipped"]
    if skipped and any(result.outcome == "passed" for result in ended):
        reason = f"it was skipped in {counted(len(skipped), 'run')} and measured in others: {skipped[0].reason}"
        return Verdict(kind="INVALID", case=case, reason=reason)
    return None


def _without_baseline(case: str, records: Sequence[Record]) -> list[Verdict]:
    reason = "the baseline does not have this case. Record it with `vitcnn baseline record`, or use the mode allow-new"
    return [Verdict(kind="NEW", case=case, reason=reason)] if records else []


def _missing(case: str, ended: Sequence[CaseResult], baseline: CaseBaseline, selection: Selection) -> Verdict:
    where = f"last measured in the baseline {baseline.recording}"
    if ended:
        reason = f"{ended[0].outcome.replace('_', ' ')}: {ended[0].reason}; {where}"
    elif selection.paths and not baseline.place:
        do = "Record it again to judge single files"
        reason = f"not collected, and the baseline {baseline.recording} is too old to say in which file it was. {do}"
    else:
        reason = f"not collected; {where}. If it was removed or renamed on purpose, record the baseline again"
    return Verdict(kind="MISSING", case=case, reason=reason)


def _narrowing(scope: str, selection: Selection) -> tuple[str, ...]:
    by = selection.narrowed_by or f"--preset {selection.preset}"
    return (f"Selected by {by}: {scope} are judged.",) if scope else ()


def _never_measured(skipped: Sequence[CaseResult]) -> tuple[str, ...]:
    cases = {result.id: result.reason for result in skipped}
    if not cases:
        return ()
    reasons = "; ".join(dict.fromkeys(cases.values()))
    return (f"Not judged, because skipped and without a baseline: {counted(len(cases), 'case')} ({reasons}).",)


def _removed(baseline: Baseline) -> tuple[str, ...]:
    if not baseline.removed:
        return ()
    return (f"Not judged, because the newest recording of the whole suite lacks them: {', '.join(baseline.removed)}.",)
