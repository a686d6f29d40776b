"""Runs the suite in several fresh processes, and stores the runs as a baseline if all of them succeed."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from vitcnn.errors import RunFailed, UserError
from vitcnn.folders import make_own_folder, require_writable
from vitcnn.gate.baseline import Recording, StoredRun, baseline_of, recordings, require_name, require_new_name, store
from vitcnn.gate.settings import differences, other_models
from vitcnn.processes.expected import Tell, plan_of_runs
from vitcnn.processes.fresh import OUTPUT, Request, measure_in_fresh_process, sigterm_as_interrupt
from vitcnn.processes.session import session_arguments
from vitcnn.progress import Steps
from vitcnn.quantity import counted
from vitcnn.record import Environment, Outcome, Run, load_run
from vitcnn.working_tree import CHANGED, num_uncommitted, state

GOOD: tuple[Outcome, ...] = ("passed", "skipped", "deselected")
"""How a case may end in a run that can be used."""


def record(
    *,
    suite: Path,
    root: Path,
    baselines: Path,
    runs: int,
    name: str | None = None,
    arguments: Sequence[str] = (),
    allow_removed: bool = False,
    tell: Tell | None = None,
) -> Recording:
    """Run `suite` in `runs` fresh processes and store them below `baselines`, in the folder of their device's key.

    The runs go to `root`/.vitcnn/record and stay there; `arguments` go to pytest; `tell` is told before the first what
    is about to happen. Without a `name` the recording is named by the time and the git commit. Nothing is stored unless
    every run is good: RunFailed says what is wrong with one that is not, or which cases runs would no longer be judged
    by (but with `allow_removed`), UserError which argument cannot be used.
    """
    if name is not None:
        require_name(name)
    require_writable("--baselines", baselines, "Name another folder with --baselines.")
    began, folder = datetime.now(UTC), new_folder(root, "record")
    running = good_runs(suite=suite, root=root, folder=folder, runs=runs, arguments=arguments, tell=tell)
    with closing(running) as measured:
        first = next(measured)
        environment = first.run.environment
        store_folder, name = baselines / environment.device_key, name or default_name(began, environment)
        require_new_name(store_folder, name)  # now, not after all the other runs
        if not allow_removed:
            _require_none_removed(first.run, recordings(store_folder))
        found = []
        for stored in chain([first], measured):
            _require_unthrottled(stored.run)
            found.append(stored)
    with sigterm_as_interrupt():  # it undoes what was stored, as Ctrl-C does
        places = store([stored.path for stored in found], store_folder, name)
    return Recording(
        name=name, runs=tuple(replace(stored, path=place) for stored, place in zip(found, places, strict=True))
    )


def _require_none_removed(run: Run, stored: Sequence[Recording]) -> None:
    """Raise RunFailed where a run of the whole suite lacks cases that runs are judged by: they would vanish unseen."""
    there = {case.id for case in run.cases if case.outcome != "deselected"}
    gone = [case for case in baseline_of(stored).cases if case not in there]
    if gone and not run.selection.narrowed_by:
        cases = "".join(f"\n  {case}" for case in gone)
        do = "If they were removed or renamed on purpose, add --allow-removed"
        raise RunFailed(
            f"nothing is stored: {len(gone)} cases of the baseline are no longer in the suite. {do}:{cases}"
        )


def new_folder(root: Path, what: str) -> Path:
    """Return a folder that is not there yet, for the runs that this process makes: `root`/.vitcnn/WHAT/TIME-PROCESS."""
    return make_own_folder(root) / what / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}"


def good_runs(
    *,
    suite: Path,
    root: Path,
    folder: Path,
    runs: int,
    arguments: Sequence[str] = (),
    so: str = "nothing is stored",
    tell: Tell | None = None,
) -> Generator[StoredRun, None, None]:
    """Run `suite` in `runs` fresh processes, one after another, and yield each of them: `folder`/run-1, run-2 ...

    Each trains the next seeds: what is known of an accuracy is known of all of them. Paths among `arguments` take the
    place of `suite`. `tell` is told before the first begins what is about to happen.

    RunFailed says what is wrong with a run that is not good, or not of the first one's device and revision, and what
    follows: `so`.
    """
    if runs < 1:
        raise UserError(field="--runs", value=runs, allowed="1 or more", do="5 runs show how much processes differ.")
    command = session_arguments(suite, arguments, root)
    if tell:
        tell(plan_of_runs(command, root, runs))
    progress, first, tree = Steps(), None, state(root)
    try:
        for number in range(1, runs + 1):
            progress(number - 1, runs, f"run {number} of {runs}")
            out = folder / f"run-{number}"
            request = Request(seed_block=number - 1)
            path = measure_in_fresh_process(command, out=out, root=root, request=request)
            stored = StoredRun(path=path, run=load_run(path))
            _require_good(stored, f"run {number} cannot be used, {so}")
            first = first or stored
            _require_same_settings(first.run, stored.run, f"run {number} differs from run 1, {so}")
            other = other_conditions(first.run, stored.run) or (CHANGED if state(root) != tree else "")
            if other:
                what = f"run {number} differs from run 1, {so}: {other}"
                raise RunFailed(f"{what}. Measure again without changing anything meanwhile. Its JSON: {stored.path}")
            yield stored
    finally:
        progress(runs, runs, "")


def other_conditions(first: Run, run: Run) -> str:
    """Say how the device or the revision of `run` differs from that of `first`; empty where both are the same."""
    one, other = first.environment, run.environment
    for what, before, now in (
        ("device", one.device_key, other.device_key),
        ("revision", one.revision, other.revision),
    ):
        if before != now:
            return f"another {what}, {now}, not {before}"
    return ""


def default_name(began: datetime, environment: Environment) -> str:
    """Return the time and the revision: `20261121T080059Z-1a2b3c4`, with `-dirty` where the tree had changes."""
    commit = f"-{environment.git_commit[:7]}" if environment.git_commit else ""
    return f"{began:%Y%m%dT%H%M%SZ}{commit}{'-dirty' if environment.git_dirty else ''}"


def _require_unthrottled(run: Run) -> None:
    """Raise RunFailed where the GPU was slowed down: the gate would call every comparison with this run INVALID."""
    throttled = {record.case: ", ".join(record.throttled_by) for record in run.records if record.throttled_by}
    if throttled:
        cases = "".join(f"\n  {case}: {reasons}" for case, reasons in throttled.items())
        do = "Cool the GPU, or limit its power, and record again"
        raise RunFailed(f"nothing is stored: the GPU was throttled in {len(throttled)} cases. {do}:{cases}")


def _require_good(stored: StoredRun, what: str) -> None:
    """Raise RunFailed, beginning with `what`, where a case of the run did not end well, or none passed."""
    bad = [case for case in stored.run.cases if case.outcome not in GOOD]
    whole_output = stored.path.with_name(OUTPUT)
    where = f"Its JSON: {stored.path}\nAll of its output: {whole_output}"
    if bad:
        cases = "".join(f"\n  {case.id}: {case.outcome.replace('_', ' ')}: {case.reason}" for case in bad)
        raise RunFailed(f"{what}: {len(bad)} of {len(stored.run.cases)} cases did not pass:{cases}\n{where}")
    if not stored.run.records:
        reasons = "".join(f"\n  {case.id}: {case.outcome}: {case.reason}" for case in stored.run.cases)
        raise RunFailed(f"{what}: no case passed:{reasons}\n{where}")


def _require_same_settings(first: Run, run: Run, what: str) -> None:
    """Raise RunFailed where a case was measured otherwise than in the first run: no comparison would be valid."""
    before = {record.case: record for record in first.records}
    both = [(before[record.case], record) for record in run.records if record.case in before]
    differing = ((now.case, differences([old], [now]) or other_models([old, now], ())) for old, now in both)
    found = {case: difference for case, difference in differing if difference}
    if found:
        cases = "".join(f"\n  {case}: {difference}" for case, difference in found.items())
        why = "Runs can only be compared if all of these are equal. Data must be the same each time they are loaded"
        raise RunFailed(f"{what}: other settings in {counted(len(found), 'case')}. {why}:{cases}")


def with_uncommitted(judged_by: str, store: Path) -> str:
    """Say of a store of baselines, beside what it is called, how many of its files nobody has reviewed in a commit."""
    number = num_uncommitted(store)
    return f"{judged_by}, {counted(number, 'file')} of it not committed" if judged_by and number else judged_by
