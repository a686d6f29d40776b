"""The hooks of one session, which collect cases, keep and save their results, and report them."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from vitcnn.architectures import architecture
from vitcnn.device import CleanState, environment
from vitcnn.errors import RecordError, UserError
from vitcnn.folders import OWN, make_own_folder, short
from vitcnn.gate.times import LOOKS
from vitcnn.measuring.accounting import freeze_what_is_imported
from vitcnn.processes.fresh import interrupt
from vitcnn.pytest_plugin.counting_instructions import count_instructions
from vitcnn.pytest_plugin.fixtures import parametrize
from vitcnn.pytest_plugin.gating import GATE, JUDGED, Gate
from vitcnn.pytest_plugin.keywords import keyword_advice
from vitcnn.pytest_plugin.ledger import (
    RESUMED,
    ROW,
    Ledger,
    case_id,
    case_of,
    entry_for,
    is_measured,
    left_out_by_expression,
)
from vitcnn.pytest_plugin.measuring import CLEAN_STATE
from vitcnn.pytest_plugin.options import Options
from vitcnn.pytest_plugin.plotting import plot_lines
from vitcnn.pytest_plugin.saving import finish_files, stored_files, write_json
from vitcnn.pytest_plugin.tracing import TRACING
from vitcnn.questions import questions
from vitcnn.record import Environment, Run
from vitcnn.report.terminal import summary
from vitcnn.report.verdicts import resumed, to_continue

VOLATILE_CPU_KEYS = ("hz_actual", "hz_actual_friendly", "hz_advertised", "hz_advertised_friendly")
"""Fields that py-cpuinfo reads again each time; they would make every comparison warn of another machine."""


class SuiteHooks:
    """The plugin's hooks that know the options. On an xdist worker nothing is written: the reports travel instead."""

    def __init__(self, config: pytest.Config, options: Options) -> None:
        self.config = config
        self.options = options
        self.ledger = Ledger(options.out, lambda: replace(self.run, cases=()))
        self.gate = config.stash[GATE] = Gate(config, options)
        self.started = datetime.now(UTC).isoformat(timespec="seconds")
        self.is_worker = hasattr(config, "workerinput")
        self._saved: dict[str, Any] = {}
        self._saved_by_benchmark = False
        self._without_cases: set[str] = set()
        self._faults: list[str] = []
        self._sigterm: Any = None

    def pytest_report_header(self) -> str:
        """Say what will be measured, how much of it, and where baselines are."""
        storage = str(self.config.getoption("benchmark_storage")).removeprefix("file://")
        where = f"vitcnn: device {self.options.device.key}, preset {self.options.preset}, baselines {short(storage)}"
        advice = keyword_advice(self.config.option.keyword)
        remarks = (
            *self._resumed_remarks,
            *advice,
            *(without_family(self.options.architectures) if self._train_by_family else ()),
        )
        return "\n".join([where, *(f"vitcnn: {line}" for line in remarks)])

    @property
    def _train_by_family(self) -> bool:
        """Whether the family of an architecture chooses its recipe, be it that the command line changes it."""
        return all(name.startswith(",") for name in self.options.recipes)

    @property
    def _resumed_remarks(self) -> tuple[str, ...]:
        return self.options.resumed.remarks if self.options.resumed else ()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give each test its cases."""
        refused = ""
        try:
            if not parametrize(metafunc, self.options):
                self._without_cases.add(metafunc.definition.nodeid)
        except UserError as error:
            refused = str(error)
        if refused:  # outside of `except`, so that pytest shows the message alone
            pytest.fail(refused, pytrace=False)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Enter every case, before -k deselects any, and give it the clock of the device."""
        self._drop_without_cases(items)
        cases = [item for item in items if is_measured(item)]
        self.ledger.collect(cases)
        self._require_resumed_cases(cases)
        self._leave_out_others(items)
        if (
            cases and getattr(self.config.option, "tbstyle", "") == "auto"
        ):  # a long traceback leads through this project's own code
            self.config.option.tbstyle = "short"
        for item in cases:
            ours = {"timer": self.options.device.timer, "group": case.question if (case := case_of(item)) else "own"}
            theirs = item.get_closest_marker("benchmark")
            marker = pytest.mark.benchmark(**{**ours, **(theirs.kwargs if theirs else {})})
            item.add_marker(marker, append=False)

    def _drop_without_cases(self, items: list[pytest.Item]) -> None:
        """Drop the tests that have no case, so that pytest does not count them as collected either."""
        number, without = len(items), tuple(f"{name}[" for name in self._without_cases)
        items[:] = [item for item in items if not item.nodeid.startswith(without)]
        reporter: Any = self.config.pluginmanager.get_plugin("terminalreporter")
        if hasattr(reporter, "_numcollected"):
            reporter._numcollected -= number - len(items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count instructions before the first case is measured, if that was requested."""
        if self.options.count_instructions and not self.config.option.collectonly:
            count_instructions(session.items, self.config)

    def _require_resumed_cases(self, cases: list[pytest.Item]) -> None:
        """End the session if it resumes a run of another suite."""
        try:
            if self.options.resumed:
                self.options.resumed.require_collected(map(case_id, cases))
        except UserError as error:
            raise pytest.UsageError(str(error)) from None

    def _leave_out_others(self, items: list[pytest.Item]) -> None:
        """In a rerun of suspected cases, leave out all others."""
        request = self.options.request
        if request is not None and request.cases is not None:
            others = [item for item in items if not is_measured(item) or case_id(item) not in request.cases]
            self.config.hook.pytest_deselected(items=others)
            self.ledger.deselect(others, asked=others)
            items[:] = [item for item in items if item not in others]

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Enter what -k and -m left out, and what others did."""
        asked = left_out_by_expression(items, self.config)
        self.ledger.deselect(items, named=self.config.option.deselect or (), asked=asked)

    def pytest_sessionstart(self) -> None:
        """Let SIGTERM end the session as Ctrl-C does, so that everything measured is saved; make the folder for it.

        The revision that is measured is the one that is there now.
        """
        if not self.is_worker and not self.config.option.collectonly:
            assert self.environment
            self.gate.begin()
        if self.options.out.is_relative_to(self.config.rootpath / OWN) and not self.config.option.collectonly:
            make_own_folder(self.config.rootpath)
        if threading.current_thread() is threading.main_thread():
            self._sigterm = signal.signal(signal.SIGTERM, interrupt)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Begin the journal: it says where the cases are measured, so that another run can go on from it.

        End the session where --gate has no baseline to judge it by: what it would measure, it would measure in vain.
        """
        if not self.is_worker and not self.config.option.collectonly:
            with self._ending_where_not_written():
                self.ledger.begin()
            if not self.gate.has_a_baseline:
                session.shouldfail = "nothing is measured: without a baseline, --gate cannot judge it"
                raise session.Failed(session.shouldfail)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Enter that a case has started."""
        self.ledger.start(nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
        """Note what is allocated before a case, to detect what it leaves allocated."""
        if is_measured(pyfuncitem) and (case_of(pyfuncitem) or "torch" in sys.modules):
            freeze_what_is_imported()
            pyfuncitem.stash[CLEAN_STATE] = CleanState(self.options.device)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, pytest.TestReport]:
        """Attach how a case ended to its report; under xdist it travels from the worker with it."""
        report: pytest.TestReport = yield
        if is_measured(item):
            report.vitcnn = entry_for(item, report)  # type: ignore[attr-defined]
            if report.when == "call" and ROW in item.stash:
                self.ledger.benchmarks.append(item.stash[ROW])
                self.ledger.resumed += [case_id(item)] if RESUMED in item.stash else []
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Enter how a case ended."""
        if not self.is_worker:
            with self._ending_where_not_written():
                self.ledger.report(report)

    def _not_written(self, path: Path, error: OSError) -> str:
        do = f"Make room; with `--resume {short(self.options.out)}` the same command repeats no case that passed"
        return f"{short(path)} could not be written ({error.strerror}). {do}."

    @contextmanager
    def _ending_where_not_written(self) -> Iterator[None]:
        """End the session where the journal cannot be written: what is measured from then on could be lost."""
        fault = ""
        try:
            yield
        except OSError as error:
            fault = self._not_written(self.ledger.journal, error)
        if fault:
            pytest.exit(fault)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Save the run, then judge it, before JUnit XML and pytest-benchmark write what they have.

        A second SIGTERM does not cut the saving off.
        """
        self._on_sigterm(signal.SIG_IGN)
        is_judged = self.gate.is_asked and session.exitstatus in JUDGED
        if is_judged:
            self.gate.expect()
        self._save(session)
        if is_judged and session.exitstatus in JUDGED:
            self._on_sigterm(interrupt)
            self.gate.judge(self.run)
            self._on_sigterm(signal.SIG_IGN)
            self.gate.turn_red(session)
        stored_before = stored_files(self.config)
        try:
            result = yield
        finally:
            asked: Path | None = self.config.getoption("benchmark_json")
            if asked and self._saved and not self._saved_by_benchmark:  # it writes none where nothing was timed
                self._write(asked, session)
        if self._saved_by_benchmark:
            self._faults += finish_files(self.config, stored_before, self.run)
        return result

    def _on_sigterm(self, handler: Any) -> None:
        if self._sigterm is not None:
            signal.signal(signal.SIGTERM, handler)

    def _save(self, session: pytest.Session) -> None:
        if self.is_worker or self.config.option.collectonly or not self.ledger.results():
            return
        self._saved = self._document()
        self._saved_by_benchmark = False
        self._write(self.ledger.run_json, session)

    def _write(self, path: Path, session: pytest.Session) -> None:
        """Write the run to `path`. Where that fails, the report still says what was measured, and the session fails."""
        try:
            write_json(path, self._saved)
        except OSError as error:
            self._faults.append(self._not_written(path, error))
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    def _document(self) -> dict[str, Any]:
        """Return the run as pytest-benchmark would save it, by its public hooks."""
        hook, config = self.config.hook, self.config
        machine_info = hook.pytest_benchmark_generate_machine_info(config=config)
        hook.pytest_benchmark_update_machine_info(config=config, machine_info=machine_info)
        commit_info = hook.pytest_benchmark_generate_commit_info(config=config)
        hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit_info)
        benchmarks = self.ledger.benchmarks
        document: dict[str, Any] = hook.pytest_benchmark_generate_json(
            config=config,
            benchmarks=benchmarks,
            include_data=False,  # the seconds of each round are samples of the record
            machine_info=machine_info,
            commit_info=commit_info,
        )
        hook.pytest_benchmark_update_json(config=config, benchmarks=benchmarks, output_json=document)
        return document

    def pytest_unconfigure(self) -> None:
        """Restore the process to its previous state."""
        gc.unfreeze()
        if self._sigterm is not None:
            signal.signal(signal.SIGTERM, self._sigterm)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, Any, Any]:
        """Print the trade-offs and the table below everything else, draw the plots, print where they are."""
        try:
            return (yield)
        finally:
            width = terminalreporter._tw.fullwidth
            terminalreporter.ensure_newline()
            if self._saved:
                terminalreporter.section("vitcnn")
                terminalreporter.write_line(self._summary(width))
                for line in (*resumed(self.run), *self._faults, *self._to_continue):
                    terminalreporter.write_line(f"\n{line}")
                if self.ledger.run_json.is_file():
                    terminalreporter.write_line(f"\nJSON of this run: {short(self.ledger.run_json)}")
                if self.options.request is None:  # nobody looks at the plots of a run that vitcnn asked for
                    for line in plot_lines(self.run, self.options.out):
                        terminalreporter.write_line(line)
                if tracing := self.config.stash.get(TRACING, None):
                    for line in tracing.finish(self.run):
                        terminalreporter.write_line(line)
            if self.gate.is_asked:
                terminalreporter.section("gate" if self.options.gate else "baselines")
                terminalreporter.write_line(self.gate.summary(width=width))

    @property
    def _to_continue(self) -> tuple[str, ...]:
        is_kept = self.ledger.run_json.is_file()
        is_users = self.options.request is None  # nobody continues a run that vitcnn asked for
        return to_continue(self.run, short(self.options.out)) if is_kept and is_users else ()

    def _summary(self, width: int) -> str:
        try:
            return summary(self.run, tuple(questions().values()), width=width)
        except RecordError as error:
            return f"The tables cannot be shown. {error}"

    @cached_property
    def environment(self) -> Environment:
        """Where this run is measured."""
        return environment(self.options.device, self.config.rootpath)

    @property
    def run(self) -> Run:
        """The session so far, as a run."""
        return Run(
            environment=self.environment,
            cases=self.ledger.results(),
            started=self.started,
            selection=self.options.selection,
            more_runs=LOOKS * self.options.gate_reruns if self.options.gate else 0,
            resumed=tuple(self.ledger.resumed),
        )

    def pytest_benchmark_update_json(self, output_json: dict[str, Any]) -> None:
        """Put every case and its record into what pytest-benchmark saves."""
        self._saved_by_benchmark = True
        output_json["vitcnn"] = self.run.to_json()

    def pytest_benchmark_update_machine_info(self, machine_info: dict[str, Any]) -> None:
        """Put the environment into what pytest-benchmark saves of the machine."""
        for key in VOLATILE_CPU_KEYS:
            machine_info.get("cpu", {}).pop(key, None)
        machine_info["vitcnn"] = self.environment.machine()

    @pytest.hookimpl(wrapper=True)
    def pytest_benchmark_compare_machine_info(self, benchmarksession: Any) -> Generator[None, Any, Any]:
        """Survive pytest-benchmark's own warning, which crashes where its storage is outside the working directory."""
        try:
            return (yield)
        except ValueError:
            benchmarksession.logger.warning("Benchmark machine_info is different from the saved run's.")
            return None


def without_family(names: Sequence[str]) -> list[str]:
    """Return a line if own models have no family: the family chooses the recipe."""
    unknown = [name for name in names if (entry := architecture(name)).file and entry.family == "other"]
    if not unknown:
        return []
    do = "Set family in an Architecture, or choose a recipe with --recipe"
    return [f"{', '.join(unknown)}: no family is set, so the recipes for transformers train it. {do}."]
