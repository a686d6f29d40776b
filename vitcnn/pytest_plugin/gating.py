"""The gate inside pytest: chooses the baseline, measures suspects again, and fails the session if needed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import pytest

from vitcnn.device.memory import release
from vitcnn.errors import BaselineError, RecordError, RunFailed
from vitcnn.gate.baseline import Baseline, Recording, baseline_of, recordings
from vitcnn.gate.judge import judge
from vitcnn.gate.remeasure import IN_COMPANY, judge_with_reruns
from vitcnn.gate.times import ALL_RERUNS, LOOKS, USUAL_RERUNS
from vitcnn.gate.verdict import RECORD_FIRST, Judgement, Mode, Verdict, cannot_judge
from vitcnn.processes.fresh import RERUN, UNJUDGED, Request, measure_in_fresh_process
from vitcnn.processes.recording import with_uncommitted
from vitcnn.processes.trace_option import without_trace
from vitcnn.progress import BelowTheLine, Steps
from vitcnn.pytest_plugin.options import Options
from vitcnn.pytest_plugin.resuming import without_resume
from vitcnn.pytest_plugin.storage import storage_folder
from vitcnn.record import Run, load_run
from vitcnn.report.step_summary import write_markdown
from vitcnn.report.verdicts import markdown, measured_again, resumed, terminal
from vitcnn.working_tree import CHANGED, state

COMPARED_ONLY = "This comparison does not affect the exit status. Use --gate to make it fail."

JUDGED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
"""Exit statuses of a session that came to its end; after any other there is no whole run to judge."""


class Gate:
    """Judges the session's run by the stored baselines, for --gate and for --benchmark-compare alone."""

    def __init__(self, config: pytest.Config, options: Options) -> None:
        self.config = config
        self.options = options
        self.judgement: Judgement | None = None
        self._num_reruns = 0
        self._is_stopped = False
        self._tree = ""

    @property
    def is_asked(self) -> bool:
        """Whether this session is to be judged: not a worker's, nor one that vitcnn asked for, nor a mere listing."""
        asked = self.options.gate is not None or self.config.option.benchmark_compare
        return bool(asked) and not self.is_elsewhere and not self.config.option.collectonly

    @property
    def is_elsewhere(self) -> bool:
        """Whether another session judges what this one measures: that which has this one as a worker or a rerun."""
        return hasattr(self.config, "workerinput") or self.options.request is not None

    def begin(self) -> None:
        """Remember which revision is there as the session begins."""
        if self.is_asked:
            self._tree = state(self.config.rootpath)

    @property
    def has_a_baseline(self) -> bool:
        """Whether there is a baseline that can be read; without --gate none is needed."""
        if self.options.gate is None or not self.is_asked:
            return True
        try:
            self._baseline()
        except BaselineError:
            return False
        return True

    @property
    def _mode(self) -> Mode:
        return self.options.gate or "on"

    def expect(self) -> None:
        """Mark the folder of the run until there is a verdict: a mark that stays says that the gate was cut short."""
        if self.options.gate is not None:
            with suppress(OSError):  # where the disk is full, the run cannot be saved either, and that is reported
                (self.options.out / UNJUDGED).write_text("The gate was cut short: run it again.\n", encoding="utf-8")

    def judge(self, run: Run) -> None:
        """Judge `run`; with --gate, measure its suspects again first. An error on the way becomes a verdict, too."""
        try:
            self.judgement = self._judged(run)
        except (BaselineError, RunFailed, RecordError) as error:
            self.judgement = cannot_judge(str(error))
        except KeyboardInterrupt:
            self.judgement = cannot_judge("interrupted while suspected cases were measured again: run the gate again")
            self._is_stopped = True
        else:
            (self.options.out / UNJUDGED).unlink(missing_ok=True)
        write_markdown(markdown(self.judgement, self._mode), self.options.out)

    def summary(self, *, width: int) -> str:
        """Return the verdicts as a table for a terminal of `width` columns."""
        if self.judgement is None:
            return "Not judged, because the session ended early."
        text = terminal(self.judgement, self._mode, width=width)
        return text if self.options.gate else f"{text}\n{COMPARED_ONLY}"

    def _require_same_revision(self, what: str) -> None:
        if state(self.config.rootpath) != self._tree:
            raise RunFailed(f"{CHANGED} while {what}. Measure again without changing anything meanwhile")

    def _judged(self, run: Run) -> Judgement:
        self._require_same_revision("the run was measured")
        baseline = self._baseline()
        counts_only = self._mode == "counts"
        if self.options.gate is None or counts_only or not self.options.gate_reruns:
            runs: tuple[Run, ...] = (run,)
            judgement = judge(runs, baseline, counts_only=counts_only)
        else:
            reruns = self.options.gate_reruns
            judgement, runs = judge_with_reruns(run, baseline, self._measure_again, reruns=reruns)
        folder = storage_folder(self.config)
        return replace(
            judgement,
            remarks=(*resumed(*runs), *measured_again(runs), *self._few_reruns, *judgement.remarks),
            judged_by=with_uncommitted(judgement.judged_by, folder) if folder else judgement.judged_by,
        )

    @property
    def _few_reruns(self) -> tuple[str, ...]:
        """A remark where suspects are measured again less than usual: wherever the option stands, it is seen here."""
        reruns = self.options.gate_reruns
        if self._mode == "counts" or self.options.gate is None or reruns >= USUAL_RERUNS:
            return ()
        how = f"in at most {LOOKS * reruns} processes, instead of {ALL_RERUNS}" if reruns else "in no process"
        return (f"--gate-reruns={reruns}: suspected cases are measured again {how}.",)

    def _baseline(self) -> Baseline:
        folder = storage_folder(self.config)
        stored = recordings(folder) if folder else ()
        asked = self.config.option.benchmark_compare
        if isinstance(asked, str):
            stored = _named(stored, asked)
        if not stored:
            do = f"{RECORD_FIRST} If it is in another folder, name that with --benchmark-storage."
            raise BaselineError(f"there is no baseline for {self.options.device.key} in {folder}. {do}")
        return baseline_of(stored)

    def _measure_again(self, cases: Sequence[str], round_number: int, seed_blocks: Sequence[int]) -> list[Run]:
        if "torch" in sys.modules:
            release(self.options.device)
        progress, runs = Steps(BelowTheLine(sys.stderr)), []
        which = "the whole suite again" if round_number == IN_COMPANY else f"{len(cases)} suspected cases again"
        processes = len(seed_blocks)
        for number, block in enumerate(seed_blocks):
            progress(number, processes, f"measuring {which}, round {round_number}, process {number + 1} of {processes}")
            self._num_reruns += 1
            out = self.options.out / f"{RERUN}{self._num_reruns}"
            request = Request(cases=frozenset(cases), seed_block=block)
            runs.append(load_run(self._rerun(request, out)))
            self._require_same_revision("suspected cases were measured again")
        progress(processes, processes, "measured again")
        return runs

    def _rerun(self, request: Request, out: Path) -> Path:
        """Run the same command again for what is requested; what it would write elsewhere goes into `out`."""
        written = [f"--rootdir={self.config.rootpath}", "--benchmark-json", str(out / "benchmark.json")]
        if self.config.option.xmlpath:
            written += ["--junitxml", str(out / "junit.xml")]
        arguments, _ = without_trace(without_resume(map(str, self.config.invocation_params.args)))
        given = [argument for argument in arguments if argument != "--"]
        root = self.config.invocation_params.dir
        return measure_in_fresh_process([*given, *written], out=out, root=root, request=request)

    def turn_red(self, session: pytest.Session) -> None:
        """Fail the session if a verdict is red, and report each red verdict to the terminal and JUnit XML."""
        if self.judgement is None or self.options.gate is None:
            return
        red = self.judgement.red(self.options.gate)
        for verdict in red:
            self._report(verdict, "call", f"{verdict.kind}: {verdict.reason}")
            self._report(verdict, "teardown", None)
        if red:
            stopped, failed = pytest.ExitCode.INTERRUPTED, pytest.ExitCode.TESTS_FAILED
            session.exitstatus = stopped if self._is_stopped else failed

    def _report(self, verdict: Verdict, when: str, failure: str | None) -> None:
        name = f"{verdict.metric or 'case'}[{verdict.case}]"
        report = pytest.TestReport(
            nodeid=f"gate::{name}",
            location=("gate", None, name),
            keywords={},
            outcome="failed" if failure else "passed",
            longrepr=failure,
            when=when,  # type: ignore[arg-type]
        )
        self.config.hook.pytest_runtest_logreport(report=report)


GATE = pytest.StashKey[Gate]()
"""Where the session's gate is stored, even if the plugin that uses it is unregistered."""


def with_verdict(config: pytest.Config, status: int | pytest.ExitCode) -> int | pytest.ExitCode:
    """Return the exit status of a session under --gate: never green without a verdict, nor against it.

    A plugin that is unregistered, an option that only lists, and an exit that others ask for end sessions unjudged.
    """
    gate = config.stash.get(GATE, None)
    if status != pytest.ExitCode.OK or (gate and gate.is_elsewhere):
        return status
    judgement = gate.judgement if gate else None
    if gate is None or judgement is None or gate.options.gate is None:
        print("vitcnn: --gate: the session ended without a verdict, so it is red", file=sys.stderr)
        return pytest.ExitCode.TESTS_FAILED
    return pytest.ExitCode.TESTS_FAILED if judgement.red(gate.options.gate) else status


def _named(stored: Sequence[Recording], asked: str) -> tuple[Recording, ...]:
    """Return what --benchmark-compare=NAME names: the run whose file it is, or the runs whose names begin so."""
    chosen = [
        replace(recording, runs=tuple(run for run in recording.runs if _is_named(run.path, asked)))
        for recording in stored
    ]
    return tuple(recording for recording in chosen if recording.runs)


def _is_named(path: Path, asked: str) -> bool:
    return path == Path(asked).absolute() or fnmatch(path.name, f"{Path(asked).name}*")
