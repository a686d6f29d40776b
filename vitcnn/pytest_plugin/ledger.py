"""Keeps how every collected case ended and what it measured, for the journal and the JSON of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from vitcnn.processes.fresh import RUN_JSON
from vitcnn.pytest_plugin.journal import JOURNAL, TIMES, Journal
from vitcnn.record import CaseResult, Outcome, Record, Run
from vitcnn.record.run import NEVER_RAN
from vitcnn.spec import Case

RECORD = pytest.StashKey[Record]()
"""Where `measure` leaves what the item measured."""


class Ending(NamedTuple):
    """How an item ended, and why."""

    outcome: Outcome
    reason: str


ROW = pytest.StashKey[Any]()
"""Where `measure` leaves the item's row of pytest-benchmark's JSON."""

RESUMED = pytest.StashKey[float | None]()
"""Where `measure` leaves, of an item that an interrupted run measured, how long its whole test took there."""

ENDING = pytest.StashKey[Ending]()
"""Where `measure` leaves how the item ended, when it is more than pytest's own passed, failed or skipped."""


def is_measured(item: pytest.Item) -> bool:
    """Whether an item is a case: it uses the `measure` fixture."""
    return "measure" in getattr(item, "fixturenames", ())


def case_of(item: pytest.Item) -> Case | None:
    """Return the case that an item measures, or None for a user's own benchmark."""
    callspec = getattr(item, "callspec", None)
    case = callspec.params.get("case") if callspec else None
    return case if isinstance(case, Case) else None


def case_id(item: pytest.Item) -> str:
    """Return the id of an item's case: the case's own, or the item's node id for a user's own benchmark."""
    return str(case_of(item) or item.nodeid)


def left_out_by_expression(items: Sequence[pytest.Item], config: pytest.Config) -> list[pytest.Item]:
    """Return the items that -k and -m do not select, by pytest's own hook; nobody else is told."""
    kept = list(items)
    silent: Any = copy(config)
    silent.hook = SimpleNamespace(pytest_deselected=lambda **_: None)
    marks: Any = config.pluginmanager.get_plugin("mark")
    marks.pytest_collection_modifyitems(items=kept, config=silent)
    return [item for item in items if item not in kept]


class Ledger:
    """The results of one session, in the order of collection."""

    def __init__(self, out: Path, run: Callable[[], Run]) -> None:
        self.out = out
        self.benchmarks: list[Any] = []
        self.resumed: list[str] = []
        self._journal = Journal(out / JOURNAL, run)
        self._times_s: dict[str, list[float]] = {}
        self._ids: dict[str, str] = {}
        self._results: dict[str, CaseResult] = {}
        self._started: set[str] = set()
        self._wall_s: dict[str, float] = {}
        self._endings: dict[str, CaseResult] = {}

    @property
    def run_json(self) -> Path:
        """Where the run's JSON goes."""
        return self.out / RUN_JSON

    @property
    def journal(self) -> Path:
        """Where the journal goes."""
        return self._journal.path

    def collect(self, items: Iterable[pytest.Item]) -> None:
        """Enter every case among `items`; UsageError where two have one id, since it is the key of a baseline."""
        places: dict[str, str] = {}
        for item in items:
            name = case_id(item)
            if name in places:
                raise pytest.UsageError(
                    f"two cases are named {name!r}: in {places[name]} and {item.nodeid}. An id is the key of a "
                    "baseline: remove one from its CASES."
                )
            places[name] = item.nodeid
        self._ids.update({nodeid: name for name, nodeid in places.items()})

    def deselect(
        self, items: Iterable[pytest.Item], *, named: Sequence[str] = (), asked: Sequence[pytest.Item] = ()
    ) -> None:
        """Enter that cases were left out: those in `asked` by -k or -m, others by the prefixes that --deselect names.

        What -k and -m do not leave out counts as skipped: a plugin or a conftest, as --deselect, does not say what of
        the suite a run is about.
        """
        for item in filter(is_measured, items):
            name = case_id(item)
            if item.nodeid.startswith(tuple(named)):
                result = CaseResult(id=name, outcome="skipped", reason="left out by --deselect")
            elif item in asked:
                result = CaseResult(id=name, outcome="deselected", reason="left out by -k or -m")
            else:
                result = CaseResult(id=name, outcome="skipped", reason="left out by a plugin or a conftest")
            self._results[name] = result

    def begin(self) -> None:
        """Begin the journal, before the first case."""
        if self._ids:
            self._journal.begin()

    def start(self, nodeid: str) -> None:
        """Enter that an item's turn has come."""
        self._started.add(nodeid)

    def report(self, report: pytest.TestReport) -> None:
        """Enter one phase of an item: the first ending that is not a pass stands; journal it after the last phase."""
        entry = getattr(report, "vitcnn", None)
        if entry is None:
            if str(report.when) == "???":  # xdist's word for a worker that died
                self._finish(report.nodeid, CaseResult(id=report.nodeid, outcome="failed", reason=str(report.longrepr)))
            return
        self._wall_s[report.nodeid] = self._wall_s.get(report.nodeid, 0.0) + report.duration
        if entry[TIMES]:
            self._times_s[report.nodeid] = entry[TIMES]
        fields = {name: value for name, value in entry.items() if name != TIMES}
        result = CaseResult.from_json(fields, folder=self.out)
        before = self._endings.get(report.nodeid)
        if before is None or before.outcome == "passed":
            self._endings[report.nodeid] = result
        if report.when == "teardown":
            ending = replace(self._endings[report.nodeid], record=result.record)
            self._finish(report.nodeid, self._with_wall_s(report.nodeid, ending))

    def _with_wall_s(self, nodeid: str, ending: CaseResult) -> CaseResult:
        """Return how an item ended with the seconds of all its phases; of a resumed one, with those of then."""
        is_of_now = ending.outcome not in NEVER_RAN and ending.id not in self.resumed
        return replace(ending, wall_s=self._wall_s[nodeid]) if is_of_now else ending

    def _finish(self, nodeid: str, ending: CaseResult) -> None:
        self._ids[nodeid] = ending.id
        self._results[ending.id] = ending
        self._journal.append(ending, self._times_s.get(nodeid, ()))

    def results(self) -> tuple[CaseResult, ...]:
        """Return how every collected case ended so far."""
        return tuple(replace(self._result(nodeid, name), place=_place(nodeid)) for nodeid, name in self._ids.items())

    def _result(self, nodeid: str, name: str) -> CaseResult:
        if name in self._results:
            return self._results[name]
        if nodeid in self._started:
            return CaseResult(id=name, outcome="interrupted", reason="the run was stopped while this case ran")
        return CaseResult(id=name, outcome="not_run", reason="the run ended before this case's turn")


def _place(nodeid: str) -> str:
    """Return the file and the function of a node id, without what stands in brackets."""
    file, separator, rest = nodeid.partition("::")
    return f"{file}{separator}{rest.partition('[')[0]}"


def entry_for(item: pytest.Item, report: pytest.TestReport) -> dict[str, Any]:
    """Return how one phase of an item ended, and the seconds of its rounds, as in a journal: they travel with it.

    The record travels once, with the last phase.
    """
    outcome, reason = _ending(item, report)
    record = item.stash.get(RECORD, None) if report.when == "teardown" else None
    reason = reason.encode(errors="backslashreplace").decode()  # half of a surrogate pair cannot be shown
    place = _place(item.nodeid)
    result = CaseResult(
        id=case_id(item),
        outcome=outcome,
        reason=reason,
        record=record,
        place=place,
        wall_s=item.stash.get(RESUMED, None),
    )
    return {**result.to_json(), TIMES: list(item.stash[ROW]["data"]) if ROW in item.stash else []}


def _ending(item: pytest.Item, report: pytest.TestReport) -> Ending:
    if hasattr(report, "wasxfail") and report.outcome == "skipped":
        return Ending("skipped", f"marked as expected to fail: {report.wasxfail}")
    if report.outcome == "skipped":
        place = report.longrepr
        return Ending("skipped", str(place[2] if isinstance(place, tuple) else place).removeprefix("Skipped: "))
    known = item.stash.get(ENDING, None)
    if known and (known.outcome != "disabled" or report.outcome == "passed"):
        return known
    if report.outcome == "passed":
        measured = RECORD in item.stash or report.when != "call"
        return Ending("passed", "") if measured else Ending("not_measured", "the test did not call measure")
    crash = getattr(report.longrepr, "reprcrash", None)
    message = (crash.message if crash else str(report.longrepr)).partition("\n")[0]
    return Ending("failed", message if report.when == "call" else f"{report.when}: {message}")
