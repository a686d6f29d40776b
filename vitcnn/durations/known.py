"""Finds the known durations of cases: the times of their whole tests in earlier runs or in the reference table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vitcnn.errors import RecordError
from vitcnn.folders import OWN
from vitcnn.quantity import counted
from vitcnn.record import CaseResult, Run, load_run

REFERENCE = Path(__file__).with_name("reference.json")
"""By kind of device, what `tools/reference_durations.py` took from a run: the seconds of each case, and where."""

MOST_RUNS = 5
"""So many earlier runs are read, the newest: each is a file of some 100 kB."""


@dataclass(frozen=True, kw_only=True)
class Durations:
    """Seconds of whole tests by the ids of their cases, without the energy's, and by what they are known, in words."""

    by: str
    seconds: Mapping[str, float]


def known_durations(root: Path, *, device_key: str, kind: str) -> tuple[Durations, ...]:
    """Return what is known for a device, the best first: earlier runs below `root`, then the reference of its kind."""
    found = (here(root, device_key), reference(kind))
    return tuple(durations for durations in found if durations.seconds)


def here(root: Path, device_key: str) -> Durations:
    """Return what the newest runs below `root` on this device took, each case by the newest that passed it."""
    seconds: dict[str, float] = {}
    runs = [run for run in _runs(root) if run.environment.device_key == device_key]
    for run in runs:
        seconds = {**durations_of(run), **seconds}
    return Durations(by=f"{'the last run' if len(runs) == 1 else 'the last runs'} on this machine", seconds=seconds)


def reference(kind: str) -> Durations:
    """Return what cases took on the reference machine of a kind of device, `cpu` or `cuda`; nothing where none is."""
    found = json.loads(REFERENCE.read_text(encoding="utf-8")).get(kind)
    if found is None:
        return Durations(by="", seconds={})
    where = found["gpu"] or f"{counted(found['num_threads'], 'thread')} of {found['cpu']}"
    how = "; ".join(filter(None, (found["note"], "this machine may differ")))
    return Durations(by=f"a run on {where} ({how})", seconds=found["seconds"])


def durations_of(run: Run) -> dict[str, float]:
    """Return the seconds of the whole test of each case of `run` that passed in it, without its pass of the energy."""
    return {
        case.id: max(0.0, case.wall_s - _of_energy(case))
        for case in run.cases
        if case.outcome == "passed" and case.wall_s is not None
    }


def _of_energy(case: CaseResult) -> float:
    energy = case.record.settings.get("energy", {}) if case.record else {}
    return energy.get("pass_s", 0.0)


def _runs(root: Path) -> Iterator[Run]:
    """Yield the newest runs below `root`, the newest first, without those that cannot be read."""
    paths = sorted((root / OWN).glob("runs/*/run.json"), key=lambda path: path.parent.name, reverse=True)
    for path in paths[:MOST_RUNS]:
        try:
            yield load_run(path)
        except RecordError:
            continue
