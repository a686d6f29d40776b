"""Continues an interrupted run: the cases that its journal contains are taken over as they were measured."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from vitcnn.device import Device, environment
from vitcnn.errors import RecordError, UserError
from vitcnn.imported_code import code_sha256
from vitcnn.processes.fresh import OUTPUT
from vitcnn.pytest_plugin.journal import JOURNAL, Journalled, read_journal
from vitcnn.quantity import counted
from vitcnn.record import CaseResult, Record, Run, Selection
from vitcnn.record.answers import FILE, answers

OPTION = "--resume"

SAVING = ("--benchmark-save", "--benchmark-autosave")


@dataclass(frozen=True, kw_only=True)
class Resumed:
    """The cases that passed in an interrupted run, by id: records, seconds of their rounds, and of their whole tests.

    `remarks` say what the user should know of them.
    """

    path: Path
    records: Mapping[str, Record]
    times_s: Mapping[str, tuple[float, ...]]
    wall_s: Mapping[str, float | None]
    remarks: tuple[str, ...]

    def require_collected(self, ids: Iterable[str]) -> None:
        """Raise UserError where a case that passed is not among those that are collected now."""
        other = sorted(self.records.keys() - set(ids))
        if other:
            do = f"{other[0]!r} passed in that run and is not collected now: use the same command as then."
            raise UserError(field=OPTION, value=str(self.path), allowed="a run of the same suite", do=do)


def resumed_run(config: pytest.Config, device: Device, selection: Selection, out: Path) -> Resumed | None:
    """Return what --resume names; None where it is not given.

    Raises UserError where this run could not have measured what the interrupted one did: another revision, device,
    software or selection; where it is to become a baseline; and where there is no journal that can be read.
    """
    asked = config.getoption(OPTION)
    if asked is None:
        return None
    _require_no_baseline(config, asked, out)
    is_folder = os.path.isdir(asked)  # noqa: PTH112  # Path.is_dir raises where the name is too long
    path = Path(asked) / JOURNAL if is_folder else Path(asked)
    if not asked or not os.path.isfile(path):  # noqa: PTH113  # as above
        do = f"{path} does not exist." if asked else "Perhaps a variable in the command is not set."
        raise UserError(field=OPTION, value=asked, allowed="the folder of an interrupted run, or its journal", do=do)
    try:
        found = read_journal(path.absolute())
    except RecordError as error:
        do = f"{error}. Start a new run without {OPTION}."
        raise UserError(field=OPTION, value=asked, allowed="a journal that can be read", do=do) from None
    now = Run(environment=environment(device, config.rootpath), cases=(), selection=selection)
    other = _difference(found.run, now) or _changed(found.named)
    if other:
        allowed = "a run of the same revision, files, device, software and options"
        raise UserError(field=OPTION, value=asked, allowed=allowed, do=f"{other}. Start a new run without {OPTION}.")
    return _taken(found)


def _require_no_baseline(config: pytest.Config, asked: str, out: Path) -> None:
    """Raise UserError where the run is to be stored: a baseline's runs are of one process each."""
    saving = next((name for name in SAVING if config.getoption(name)), None)
    if saving or (out / OUTPUT).exists():
        allowed = f"only without {saving}" if saving else "only in a run that you start yourself"
        do = f"A baseline must not be measured by several processes. Leave out {OPTION} to measure all cases."
        raise UserError(field=OPTION, value=asked, allowed=allowed, do=do)


def _difference(before: Run, now: Run) -> str:
    """Say in what an interrupted run was another than this one; empty where they are alike."""
    for of_then, of_now in ((before.environment, now.environment), (before.selection, now.selection)):
        was, here = asdict(of_then), asdict(of_now)
        for name in here:
            if was[name] != here[name]:
                return f"{name.replace('_', ' ')}: {was[name]!r} in that run, {here[name]!r} now"
    return ""


def _changed(named: Mapping[str, str]) -> str:
    """Say which of the files that the user named is no longer as it was; empty where all are."""
    for name, was in named.items():
        is_there = os.path.isfile(name)  # noqa: PTH113  # Path.is_file raises where the name is too long
        if not is_there or code_sha256(Path(name)) != was:
            return f"{name}, or a file that it imports, has changed since"
    return ""


def _taken(found: Journalled) -> Resumed:
    """Return the cases that passed, without those whose answers cannot be read any more."""
    records, remarks = {}, []
    for result in found.results:
        lost = _lost_answers(result)
        if lost:
            remarks.append(f"{result.id} is measured again: {lost}")
        elif result.record and result.outcome == "passed":
            records[result.id] = result.record
    if records and not found.run.environment.git_commit:
        remarks.append(
            "The project has no git revision, so it is not known whether the code is that of the interrupted run."
        )
    wall_s = {result.id: result.wall_s for result in found.results}
    told = f"Not measured again: {counted(len(records), 'case')} that passed in {found.path}."
    return Resumed(path=found.path, records=records, times_s=found.times_s, wall_s=wall_s, remarks=(told, *remarks))


def _lost_answers(result: CaseResult) -> str:
    if result.record is None or FILE not in result.record.files:
        return ""
    try:
        answers(result.record)
    except RecordError as error:
        return str(error)
    return ""


def without_resume(arguments: Iterable[str]) -> list[str]:
    """Return a command line without --resume: what is measured again must not be taken from a journal."""
    found: list[str] = []
    is_value = False
    for argument in arguments:
        if not is_value and argument != OPTION and not argument.startswith(f"{OPTION}="):
            found.append(argument)
        is_value = argument == OPTION and not is_value
    return found
