"""The hooks that say how long a session takes: a line before the first case, on a terminal a line while they run."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TextIO

import pytest

from vitcnn.bench.obstacles import obstacle
from vitcnn.device.crowding import crowding
from vitcnn.device.energy import PASS_S, is_known
from vitcnn.durations import Estimate, estimate, known_durations
from vitcnn.errors import VitcnnError
from vitcnn.processes.trace_option import OPTION as TRACE
from vitcnn.pytest_plugin.counting_instructions import COUNTING_S
from vitcnn.pytest_plugin.ledger import case_id, case_of, is_measured
from vitcnn.pytest_plugin.options import Options
from vitcnn.pytest_plugin.suite_progress import SuiteProgress
from vitcnn.questions import is_metered
from vitcnn.spec import Progress

SHOWN = pytest.StashKey[SuiteProgress]()
"""Where the line on the terminal is, in a session that has one."""

NAME = "vitcnn-time"

TRACED = f"{TRACE} takes further time, unless that run recorded traces too."
"""The recorded time of a case includes that of its trace. How long traces take is not recorded."""


class TimeHooks:
    """Says how long the chosen cases take, and shows on a terminal how far they have come."""

    def __init__(self, config: pytest.Config, options: Options) -> None:
        self.config = config
        self.options = options
        self._estimate: Estimate | None = None

    def estimate_of(self, items: Sequence[pytest.Item]) -> Estimate:
        """Return how long those of `items` take that are cases and can run here."""
        if self._estimate is None:
            device = self.options.device
            known = known_durations(self.config.rootpath, device_key=device.key, kind=device.kind)
            run = [item for item in items if self._runs(item)]
            before_s = COUNTING_S if self.options.count_instructions else 0.0
            more = " ".join(filter(None, (TRACED if self.options.trace else "", crowding(device) if run else "")))
            of_energy = self._of_energy(run)
            self._estimate = estimate(map(case_id, run), known, of_energy, before_s=before_s, more=more)
        return self._estimate

    def _of_energy(self, items: Sequence[pytest.Item]) -> dict[str, float]:
        """Return how much longer cases take for the pass of their energy, in seconds."""
        if not self.options.energy or not is_known(self.options.device):
            return {}
        return {str(case): PASS_S for item in items if (case := case_of(item)) and is_metered(case)}

    def _runs(self, item: pytest.Item) -> bool:
        if not is_measured(item) or item.get_closest_marker("skip"):
            return False
        case, resumed = case_of(item), self.options.resumed
        is_known = resumed is not None and case_id(item) in resumed.records
        try:
            return not is_known and (case is None or not obstacle(case, self.options.device, self.options.tasks))
        except VitcnnError:  # such as a name that the catalogue lacks: the test itself says so
            return False

    def pytest_report_collectionfinish(self, items: Sequence[pytest.Item]) -> str:
        """Say how long it will take, to the user or to the process that asked for it."""
        request = self.options.request
        if request is not None:
            if request.estimate_to is not None:
                Path(request.estimate_to).write_text(self.estimate_of(items).to_json(), encoding="utf-8")
            return ""
        text = self.estimate_of(items).text
        return f"vitcnn: {text}" if text else ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Show the line while items run."""
        terminal = None if self.config.option.collectonly else terminal_of(self.config)
        if terminal is None:
            return (yield)
        cases = {item.nodeid: case_id(item) for item in session.items if is_measured(item)}
        shown = SuiteProgress(terminal, cases, self.estimate_of(session.items).seconds)
        self.config.stash[SHOWN] = shown
        try:
            return (yield)
        finally:
            del self.config.stash[SHOWN]
            shown.close()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> Generator[None, Any, Any]:
        """Let pytest write that an item begins."""
        if shown := self._shown:
            shown.begin(nodeid)
        with shown.hidden() if shown else nullcontext():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, Any, Any]:
        """Let pytest write how an item ended."""
        if shown := self._shown:
            shown.report(report)
        with shown.hidden() if shown else nullcontext():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logfinish(self) -> Generator[None, Any, Any]:
        """Let pytest write how many items have ended."""
        with self._shown.hidden() if self._shown else nullcontext():
            return (yield)

    @property
    def _shown(self) -> SuiteProgress | None:
        return self.config.stash.get(SHOWN, None)


def progress_of(config: pytest.Config) -> Progress:
    """Return whom a case is to tell of long work: the session's line, or nobody where it has none."""
    return config.stash.get(SHOWN, _nobody)


def _nobody(done: int, total: int, text: str) -> None:
    """Stand for the line where there is none."""


def terminal_of(config: pytest.Config) -> TextIO | None:
    """Return the terminal of the error stream, past pytest's capture; None where the line would be in the way.

    That is where the stream is no terminal, where tests write to it themselves (-s, --pdb, live logs), and under xdist.
    """
    option = config.option
    is_shared = option.capture in ("no", "tee-sys") or option.usepdb or option.trace or config.getini("log_cli")
    if is_shared or getattr(option, "numprocesses", None) or not config.pluginmanager.has_plugin("terminalreporter"):
        return None
    try:
        number = sys.stderr.fileno()
        return os.fdopen(os.dup(number), "w", encoding="utf-8") if os.isatty(number) else None
    except (AttributeError, OSError, ValueError):
        return None
