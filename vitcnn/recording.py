"""Recording a baseline: the suite in several fresh processes, stored where all of them are good."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from vitcnn.baseline import Recording, StoredRun, require_name, require_new_name, store
from vitcnn.errors import RunFailed, UserError
from vitcnn.folders import require_writable
from vitcnn.fresh import OUTPUT, measure_in_fresh_process
from vitcnn.progress import ProgressBar
from vitcnn.record import Environment, Outcome, load_run

GOOD: tuple[Outcome, ...] = ("passed", "skipped", "deselected")
"""How a case of a run that becomes a baseline may end."""


def record(
    *, suite: Path, root: Path, baselines: Path, runs: int, name: str | None = None, arguments: Sequence[str] = ()
) -> Recording:
    """Run `suite` in `runs` fresh processes and store them below `baselines`, in the folder of their device's key.

    The runs go to `root`/.vitcnn/record and stay there; `arguments` go to pytest. Without a `name` the recording is
    named by the time and the git commit. Nothing is stored unless every run is good: RunFailed says what is wrong with
    one that is not, UserError which argument cannot be used.
    """
    if runs < 1:
        raise UserError(field="--runs", value=runs, allowed="1 or more", do="5 show the spread between processes.")
    if name is not None:
        require_name(name)
    require_writable("--baselines", baselines, "Name another by --baselines.")
    began, progress = datetime.now(UTC), ProgressBar()
    folder = root / ".vitcnn" / "record" / f"{began:%Y%m%dT%H%M%SZ}-{os.getpid()}"

    def measured(number: int) -> StoredRun:
        progress(number - 1, runs, f"run {number} of {runs}")
        out = folder / f"run-{number}"
        path = measure_in_fresh_process([str(suite), *arguments], out=out, root=root)
        found = StoredRun(path=path, run=load_run(path))
        _require_good(found, number)
        return found

    try:
        first = measured(1)
        environment = first.run.environment
        store_folder, name = baselines / environment.device_key, name or default_name(began, environment)
        require_new_name(store_folder, name)  # now, not after all the other runs
        found = [first]
        for number in range(2, runs + 1):
            found.append(measured(number))
            _require_same(environment, found[-1], number)
    finally:
        progress(runs, runs, "")
    places = store([stored.path for stored in found], store_folder, name)
    return Recording(
        name=name, runs=tuple(replace(stored, path=place) for stored, place in zip(found, places, strict=True))
    )


def default_name(began: datetime, environment: Environment) -> str:
    """Return the time and the revision: `20261121T0800Z-1a2b3c4`, with `-dirty` where the tree had changes."""
    commit = f"-{environment.git_commit[:7]}" if environment.git_commit else ""
    return f"{began:%Y%m%dT%H%MZ}{commit}{'-dirty' if environment.git_dirty else ''}"


def _require_good(stored: StoredRun, number: int) -> None:
    """Raise RunFailed where a case of the run did not end well, or none passed."""
    bad = [case for case in stored.run.cases if case.outcome not in GOOD]
    whole_output = stored.path.with_name(OUTPUT)
    where = f"Its JSON: {stored.path}\nAll of its output: {whole_output}"
    if bad:
        cases = "".join(f"\n  {case.id}: {case.outcome.replace('_', ' ')}: {case.reason}" for case in bad)
        count = f"{len(bad)} of {len(stored.run.cases)} cases"
        raise RunFailed(f"run {number} is no baseline, nothing is stored: {count} did not pass:{cases}\n{where}")
    if not stored.run.records:
        reasons = "".join(f"\n  {case.id}: {case.outcome}: {case.reason}" for case in stored.run.cases)
        raise RunFailed(f"run {number} is no baseline, nothing is stored: no case passed:{reasons}\n{where}")


def _require_same(first: Environment, stored: StoredRun, number: int) -> None:
    """Raise RunFailed where a run was measured on another device, or at another revision, than the first."""
    here = stored.run.environment
    for what, one, other in (
        ("device", first.device_key, here.device_key),
        ("git commit", first.git_commit, here.git_commit),
    ):
        if one != other:
            raise RunFailed(
                f"run {number} is of another {what} than run 1, nothing is stored: {other or 'none'}, not "
                f"{one or 'none'}. Record again, and change nothing meanwhile. Its JSON: {stored.path}"
            )
