"""Which stored runs a run is compared with.

A store is one device's folder of baselines. Its files are pytest-benchmark's, written by `--benchmark-save=NAME` or by
`vitcnn baseline record`: `<store>/<machine>/NNNN_<name>.json`, or without the machine's folder. The files of one name
are one recording: several processes of one revision. Those that vitcnn stores say how many they are.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from shlex import quote

from vitcnn.errors import BaselineError, RecordError, UserError
from vitcnn.folders import write_whole
from vitcnn.gate.store_files import FileName, require_complete, run_files
from vitcnn.record import CaseResult, Environment, Record, Run, load_run
from vitcnn.record.answers import copy_answers, unnamed_answers

FOLDER = "baselines"
"""Where the stores of all devices lie, in a folder of benchmarks."""

WRONG_CLOCK = timedelta(days=1)
"""A run that began later than this from now has a date that is none."""

NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """One file of a store."""

    path: Path
    run: Run


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The stored runs of one name, the oldest first."""

    name: str
    runs: tuple[StoredRun, ...]

    @property
    def started(self) -> str:
        """When its first run began: ISO 8601, UTC."""
        return self.runs[0].run.started

    @property
    def whole(self) -> bool:
        """Whether every run was asked for all cases of its preset."""
        return not any(stored.run.selection.narrowed_by for stored in self.runs)

    @property
    def results(self) -> Mapping[str, tuple[CaseResult, ...]]:
        """How each case ended in the runs that did not leave it out."""
        found: dict[str, list[CaseResult]] = {}
        for result in (case for stored in self.runs for case in stored.run.cases):
            if result.outcome != "deselected":
                found.setdefault(result.id, []).append(result)
        return {case_id: tuple(results) for case_id, results in found.items()}

    @property
    def records(self) -> Mapping[str, tuple[Record, ...]]:
        """The records of each case that passed in at least one run, a record a run."""
        passed = {
            case_id: tuple(result.record for result in results if result.record and result.outcome == "passed")
            for case_id, results in self.results.items()
        }
        return {case_id: records for case_id, records in passed.items() if records}

    @property
    def places(self) -> Mapping[str, str]:
        """The file and function of each case, of the runs that say it."""
        return {case.id: case.place for stored in self.runs for case in stored.run.cases if case.place}


@dataclass(frozen=True, kw_only=True)
class CaseBaseline:
    """What one case is judged by: a record of each run in which it passed, and the name of their recording.

    `place` is its file and function, empty where the recording is too old to say it.
    """

    recording: str
    records: tuple[Record, ...]
    place: str = ""

    @property
    def num_runs(self) -> int:
        """How many processes measured the case."""
        return len(self.records)


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What a run is judged by.

    `cases`: each expected case that ever passed, from the newest recording in which it passed.
    `oldest`: the same from the oldest recording, where that is another one.
    `not_measured`: the reason of each expected case that passed in none of the recordings that make cases expected; it
    is in `cases` too where it passed before them.
    `environments`: where the recordings in `cases` were measured, each once, the oldest first.
    `removed`: cases that were expected until the newest whole recording no longer had them.
    """

    cases: Mapping[str, CaseBaseline]
    oldest: Mapping[str, CaseBaseline]
    not_measured: Mapping[str, str]
    environments: tuple[Environment, ...]
    removed: tuple[str, ...] = ()


def recordings(store: Path) -> tuple[Recording, ...]:
    """Return what is stored below `store`, the oldest recording first; nothing where there is no such folder.

    Raises BaselineError where a file cannot be read as a run or would be passed over, since a comparison without it
    would hide what it holds; where two hold the same run; and where a recording is not whole, or of two revisions.
    """
    runs = sorted(map(_load, run_files(store)), key=lambda stored: (stored.run.started, stored.path.name))
    twins = same_run(runs)
    if twins:
        one, other = twins
        raise BaselineError(f"{other.path}: the same run as {one.path}. Delete one of the two files.")
    by_name = groupby(sorted(runs, key=_name), key=_name)  # sorting is stable: within a name the order stays
    found = [Recording(name=name, runs=tuple(of_name)) for name, of_name in by_name]
    for recording in found:
        require_complete(stored.path for stored in recording.runs)
        _require_one_revision(recording)
    return tuple(sorted(found, key=lambda recording: (recording.started, recording.runs[0].path.name)))


def same_run(runs: Sequence[StoredRun]) -> tuple[StoredRun, StoredRun] | None:
    """Return two files that hold one run, or None."""
    seen: dict[str, list[StoredRun]] = {}
    for stored in runs:
        began_then = seen.setdefault(stored.run.started, [])
        for other in began_then:
            if other.run == stored.run:
                return other, stored
        began_then.append(stored)
    return None


def _require_one_revision(recording: Recording) -> None:
    first, *others = recording.runs
    revision = first.run.environment.revision
    for stored in others:
        other = stored.run.environment.revision
        if other != revision:
            of = f"{first.path} is of {revision}, {stored.path} of {other}"
            raise BaselineError(
                f"the recording {recording.name} contains two revisions: {of}. Delete it and record again."
            )


def _load(path: Path) -> StoredRun:
    try:
        run = load_run(path)
        require_date(run, path)
        _require_measured_at_once(StoredRun(path=path, run=run))
    except RecordError as error:
        do = f"Restore it from git (`git checkout -- {quote(str(path))}`) or delete it."
        raise BaselineError(f"{error}. The gate does not use a baseline with such a file. {do}") from error
    return StoredRun(path=path, run=run)


def require_date(run: Run, path: Path) -> None:
    """Raise RecordError where a run does not say when it began: what is newest would be anybody's guess."""
    try:
        began = datetime.fromisoformat(run.started)
    except ValueError:
        raise RecordError(f"{path}: started: {run.started!r} is not a date") from None
    if began.tzinfo is None:
        raise RecordError(f"{path}: started: {run.started!r} has no time zone")
    if began > datetime.now(UTC) + WRONG_CLOCK:
        raise RecordError(f"{path}: started: {run.started!r} lies in the future")


def _require_measured_at_once(stored: StoredRun) -> None:
    """Raise RecordError where a run was resumed: its cases are of several processes, and a baseline's of one."""
    if stored.run.resumed:
        what = f"{len(stored.run.resumed)} of its cases were measured by an earlier run that it continued"
        raise RecordError(f"{stored.path}: cannot be a baseline: {what}")


def _name(stored: StoredRun) -> str:
    return FileName.parse(stored.path).name


def baseline_of(recordings: Sequence[Recording]) -> Baseline:
    """Return what a run is judged by, of recordings with the oldest first.

    Expected are the cases of the newest whole recording and of all after it: a case that was removed on purpose goes
    with the next whole recording, and a partial one (`-k latency`) renews its own cases alone. Where no recording is
    whole, all count.
    """
    last_whole = _last_whole(recordings)
    current = recordings[last_whole:]
    expected = _expected(recordings)
    newest = _first_of_each(reversed(recordings))
    oldest = _first_of_each(recordings)
    cases = {case_id: newest[case_id] for case_id in expected if case_id in newest}
    passed_now = {case_id for recording in current for case_id in recording.records}
    latest = {case_id: results[-1] for recording in current for case_id, results in recording.results.items()}
    return Baseline(
        cases=cases,
        oldest={case_id: oldest[case_id] for case_id in cases if oldest[case_id].recording != cases[case_id].recording},
        not_measured={case_id: _why(latest[case_id]) for case_id in expected if case_id not in passed_now},
        environments=_environments(recordings, {case.recording for case in cases.values()}),
        removed=tuple(
            case_id for case_id in _expected(recordings[:last_whole]) if case_id in newest and case_id not in expected
        ),
    )


def _last_whole(recordings: Sequence[Recording]) -> int:
    return max((index for index, recording in enumerate(recordings) if recording.whole), default=0)


def _expected(recordings: Sequence[Recording]) -> dict[str, None]:
    current = recordings[_last_whole(recordings) :]
    return dict.fromkeys(case_id for recording in current for case_id in recording.results)


def _first_of_each(recordings: Iterable[Recording]) -> dict[str, CaseBaseline]:
    """Return each case that passed, from the first recording in which it did."""
    found: dict[str, CaseBaseline] = {}
    for recording in recordings:
        places = recording.places
        for case_id, records in recording.records.items():
            place = places.get(case_id, "")
            found.setdefault(case_id, CaseBaseline(recording=recording.name, records=records, place=place))
    return found


def _why(result: CaseResult) -> str:
    return result.reason or result.outcome.replace("_", " ")


def _environments(recordings: Sequence[Recording], names: set[str]) -> tuple[Environment, ...]:
    found: list[Environment] = []
    for stored in (stored for recording in recordings if recording.name in names for stored in recording.runs):
        if stored.run.environment not in found:
            found.append(stored.run.environment)
    return tuple(found)


def machine_folder() -> str:
    """Return the folder that pytest-benchmark stores this machine's runs in: `Linux-CPython-3.11-64bit`."""
    version = ".".join(platform.python_version_tuple()[:2])
    return f"{platform.system()}-{platform.python_implementation()}-{version}-{platform.architecture()[0]}"


def require_name(name: str) -> None:
    """Raise UserError where `name` cannot name a recording."""
    if not NAME.fullmatch(name):
        allowed = "up to 100 letters, digits, dots, underscores and hyphens"
        raise UserError(
            field="--name", value=name, allowed=allowed, do="Leave out --name to use the time and the commit."
        )


def require_new_name(store: Path, name: str) -> None:
    """Raise UserError where `name` cannot name a recording, or names one in `store` already."""
    require_name(name)
    if name in (FileName.parse(path).name for path in run_files(store)):
        allowed = f"a name that no recording in {store} has"
        raise UserError(
            field="--name", value=name, allowed=allowed, do="Leave out --name to use the time and the commit."
        )


def store(runs: Sequence[Path], folder: Path, name: str) -> tuple[Path, ...]:
    """Copy the JSON files of `runs` into the store `folder` as one recording; return where they are.

    The answers that they name are copied beside them. Each file is written whole or not at all, replaces none, and
    where one fails none is left behind; their names say how many they are, so that what a kill leaves is no recording.
    Raises UserError for a `name` that cannot be used or is there already.
    """
    require_new_name(folder, name)
    machine, first, of = folder / machine_folder(), _last_number(folder) + 1, len(runs)
    names = [FileName(number=first + index, name=name, part=index + 1, of=of) for index in range(of)]
    machine.mkdir(parents=True, exist_ok=True)
    places: list[Path] = []
    copied: list[Path] = []
    try:
        for run, entry in zip(runs, names, strict=True):
            stored = StoredRun(path=run, run=load_run(run))
            content = run.read_bytes()
            _require_measured_at_once(stored)
            copied += copy_answers(stored.run.cases, machine)
            place = machine / str(entry)
            place.touch(exist_ok=False)
            places.append(place)
            write_whole(place, content)
    except BaseException:
        for path in (*places, *copied):
            path.unlink(missing_ok=True)
        raise
    return tuple(places)


def _last_number(folder: Path) -> int:
    return max((FileName.parse(path).number for path in run_files(folder)), default=0)


def removable(recordings: Sequence[Recording], keep: int) -> list[Recording]:
    """Return the recordings, the oldest first, without which the baseline stays what it is.

    The oldest of all (to see drift) and the newest `keep` are never among them. Raises UserError where `keep` is under
    1.
    """
    if keep < 1:
        raise UserError(field="--keep", value=keep, allowed="1 or more", do="The newest recording is always kept.")
    baseline, kept, found = baseline_of(recordings), list(recordings), []
    for recording in recordings[1:-keep]:
        without = [other for other in kept if other is not recording]
        if baseline_of(without) == baseline:
            kept = without
            found.append(recording)
    return found


def files_without_use(recordings: Sequence[Recording], removed: Sequence[Recording]) -> list[Path]:
    """Return the files of the `removed` among `recordings`, and the answers beside them that no other file names."""
    paths = [stored.path for recording in removed for stored in recording.runs]
    kept = [stored for recording in recordings for stored in recording.runs if stored.path not in paths]
    answers = [
        path
        for folder in dict.fromkeys(path.parent for path in paths)
        for path in unnamed_answers(folder, [stored.run for stored in kept if stored.path.parent == folder])
    ]
    return [*paths, *answers]
