"""Judges stored runs of `pytest benchmarks` by a store of baselines, without measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from vitcnn.errors import BaselineError, RecordError
from vitcnn.gate.baseline import StoredRun, baseline_of, recordings, require_date, same_run
from vitcnn.gate.judge import judge
from vitcnn.gate.verdict import RECORD_FIRST, Judgement, Verdict, cannot_judge, invalid_run
from vitcnn.processes.fresh import RERUN, RUN_JSON, UNJUDGED
from vitcnn.processes.recording import other_conditions, with_uncommitted
from vitcnn.record import Run, load_run
from vitcnn.report.verdicts import measured_again, resumed

RUN_AGAIN = "Run it again: what it was to measure again may be missing"
ONE_SESSION = timedelta(hours=12)
"""Runs that are judged together began within this time of the first: they share the machine's state."""


def run_files(path: Path) -> list[Path]:
    """Return a file itself; of a run's folder, or its JSON, that and those of all its reruns in turn, missing or not.

    A rerun without JSON was stopped: to leave it out would judge by less than was measured.
    """
    if not path.is_dir() and path.name != RUN_JSON:
        return [path]
    whole = path if path.is_dir() else path.parent
    reruns = sorted(whole.glob(f"{RERUN}*"), key=lambda folder: (len(folder.name), folder.name))
    return [folder / RUN_JSON for folder in (whole, *reruns)]


def judge_files(files: Sequence[Path], baselines: Path, *, counts_only: bool = False) -> Judgement:
    """Judge the runs in `files` together by what is stored for their device.

    `baselines` is the device's folder, or the one above it. With `counts_only` no time and no score is judged. What
    keeps the runs from being judged is a verdict too: it names the file and what to do.
    """
    unjudged = next((file.parent for file in files if (file.parent / UNJUDGED).exists()), None)
    if unjudged:
        return cannot_judge(f"{unjudged}: the gate was cut short before its verdict. {RUN_AGAIN}")
    try:
        runs = [StoredRun(path=file, run=load_run(file)) for file in files]
        for entry in runs:
            require_date(entry.run, entry.path)
        stored = recordings(_store(runs[0], baselines))
    except (BaselineError, RecordError) as error:
        return cannot_judge(str(error))
    if not stored:
        key = runs[0].run.environment.device_key
        return cannot_judge(f"{baselines}: there is no baseline for {key} here. {RECORD_FIRST}")
    obstacle = _not_together(runs) or _in_its_own_baseline(runs, [run for found in stored for run in found.runs])
    if obstacle:
        return cannot_judge(obstacle)
    current = [entry.run for entry in runs]
    judgement = judge(current, baseline_of(stored), more_runs=current[0].more_runs, counts_only=counts_only)
    return replace(
        judgement,
        verdicts=(*_reruns_missing(judgement, current), *judgement.verdicts),
        remarks=(*resumed(*current), *measured_again(current), *judgement.remarks),
        judged_by=with_uncommitted(judgement.judged_by, _store(runs[0], baselines)),
    )


def _reruns_missing(judgement: Judgement, runs: Sequence[Run]) -> list[Verdict]:
    """Return a verdict if a case is undecided of which the gate that made these runs would have measured more.

    Runs of the whole suite come after those of suspects, which then end where they were.
    """
    first, *reruns = runs
    ended = len(reruns) >= first.more_runs or any(first.begun <= rerun.begun for rerun in reruns)
    do = "Keep the folders of all reruns beside the run, or run the gate again"
    if judgement.undecided and not ended:
        of = f"{len(reruns)} of the {first.more_runs} runs in which the gate may measure it again"
        return [invalid_run(f"{judgement.undecided[0]} is undecided by {of}. {do}")]
    if judgement.undecided_in_company:
        what = "is another in the whole suite than alone, and the gate measures the whole suite again then"
        return [invalid_run(f"{judgement.undecided_in_company[0]} {what}: these runs are missing. {do}")]
    return []


def _store(first: StoredRun, baselines: Path) -> Path:
    of_device = baselines / first.run.environment.device_key
    return of_device if of_device.is_dir() else baselines


def _not_together(runs: Sequence[StoredRun]) -> str:
    """Say why runs cannot be judged together; empty where each measured what the first did, soon after or before it."""
    twins = same_run(runs)
    if twins:
        return f"{twins[1].path} is the same run as {twins[0].path}: name each run only once"
    first, *others = runs
    return next((f"{run.path} {what}" for run in others if (what := _other_than(first, run))), "")


def _other_than(first: StoredRun, run: StoredRun) -> str:
    one, other = first.run, run.run
    conditions = other_conditions(one, other)
    if conditions:
        return f"has {conditions} as in {first.path}: runs of two revisions or devices are not judged together"
    if one.selection != other.selection:
        was, is_now = (found.selection.narrowed_by or "all of it" for found in (one, other))
        return f"is of another part of the suite ({is_now}) than {first.path} ({was})"
    if not other.begun:
        return "measured none of the cases that it was started for: run the gate again"
    if abs(datetime.fromisoformat(other.started) - datetime.fromisoformat(one.started)) > ONE_SESSION:
        return f"began {other.started}, {first.path} {one.started}: runs of two days are not judged together"
    return ""


def _in_its_own_baseline(runs: Sequence[StoredRun], stored: Sequence[StoredRun]) -> str:
    """Say which run is itself stored: it would be found as good as itself."""
    twins = ((run, other) for run in runs for other in stored if run.run == other.run)
    return next((f"{run.path} is itself in the baseline, as {other.path}: measure again" for run, other in twins), "")
