"""Implements --trace: a trace of each case behind its rounds, and at the end what TensorBoard shows beside it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from statistics import median
from typing import TYPE_CHECKING

import pytest

from vitcnn.device import Device
from vitcnn.errors import UserError
from vitcnn.folders import given_path, require_writable, short
from vitcnn.processes.trace_option import OPTION, without_trace
from vitcnn.quantity import counted
from vitcnn.questions import questions
from vitcnn.record import Record, Run
from vitcnn.spec import Progress
from vitcnn.tracing.names import case_folder

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject, Traced

ALLOWED = "a folder for traces, behind the path of the suite"
FIRST = f"Put the path first: pytest benchmarks {OPTION} runs. {OPTION} alone is pytest's own switch."


def asked_folder(config: pytest.Config) -> Path | None:
    """Return the folder that --trace names, None where it names none and on an xdist worker, which records none.

    pytest has read the folder as a path to collect tests from, behind its own switch: both are taken back. UserError
    where it cannot be a folder for traces.
    """
    _, named = without_trace([str(argument) for argument in config.invocation_params.args])
    if not named or not config.option.trace:
        return None
    if hasattr(config, "workerinput"):  # the session that started this one has checked the folder
        config.option.trace = False
        config.args.remove(named[0])
        return None
    if len(named) > 1:
        do = "One run leaves its traces in one folder: name one."
        raise UserError(field=OPTION, value=" ".join(named), allowed="once", do=do)
    (text,) = named
    folder = given_path(OPTION, text)
    is_suite = folder.is_dir() and any(folder.glob("test_*.py"))
    if is_suite or "::" in text or folder.is_file() or config.args == [text]:
        raise UserError(field=OPTION, value=text, allowed=ALLOWED, do=FIRST)
    config.option.trace = False
    config.args.remove(text)
    require_writable(OPTION, folder.absolute())
    return config.invocation_params.dir / folder


class Tracing:
    """The traces of one session, which go to `folder`. What cannot be recorded is told, and fails no case.

    Ctrl-C costs the trace that is being recorded: its case is measured, and stays. The session ends behind it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._num_recorded = 0
        self._lost: list[str] = []

    def of_case(self, session: pytest.Session, progress: Progress) -> Callable[[Subject], None]:
        """Return what records the trace of a case that is measured."""

        def record(subject: Subject) -> None:
            from vitcnn.tracing.recording import traced_of

            progress(1, 1, "recording a trace")
            is_hooked = subject.case.mode == "eager"
            self._record(session, str(subject.case), subject.device, lambda: traced_of(subject), is_hooked=is_hooked)

        return record

    def of_function(self, session: pytest.Session, record: Record, run: Callable[[], object], device: Device) -> None:
        """Record the trace of a user's own function, if it uses torch. Hooks could change what it compiles."""
        if "torch" in sys.modules and record.measurements:
            from vitcnn.bench.subject import Traced

            timed_s = median(record.samples("latency_s"))
            traced = Traced(run=run, images=record.settings["images"], timed_s=timed_s)
            self._record(session, record.case, device, lambda: traced, is_hooked=False)

    def _record(
        self, session: pytest.Session, name: str, device: Device, traced: Callable[[], Traced], *, is_hooked: bool
    ) -> None:
        from vitcnn.tracing.recording import record_trace

        folder = self.folder / case_folder(name)
        try:
            record_trace(traced(), device=device, folder=folder, about={"case": name}, is_hooked=is_hooked)
        except Exception as error:  # all of the case is measured: without a trace it is worth as much
            self._lost.append(f"The trace of {name} is lost ({type(error).__name__}: {error}).")
        except KeyboardInterrupt:
            self._lost.append(f"The trace of {name} is lost: it was interrupted.")
            session.shouldstop = "interrupted while a trace was recorded"
        else:
            self._num_recorded += 1

    def finish(self, run: Run) -> list[str]:
        """Write what TensorBoard shows of a run; return the lines that say what there is, and what is lost."""
        lines = list(self._lost)
        try:
            self._write_events(run)
        except Exception as error:  # as above
            lines.append(f"TensorBoard's scalars and images are lost ({type(error).__name__}: {error}).")
        if self._num_recorded:
            shown, it = short(self.folder), "it" if self._num_recorded == 1 else "them"
            there, named = f"{counted(self._num_recorded, 'trace')} of this run: {shown}", quote(shown)
            lines.append(f"{there}. `tensorboard --logdir {named}` shows {it}; `vitcnn trace {named}` explains {it}.")
        elif not self._lost:
            lines.append(f"{OPTION} recorded nothing: no case that uses torch was measured.")
        return lines

    def _write_events(self, run: Run) -> None:
        from vitcnn.report.tensorboard import study
        from vitcnn.tracing.events import write_study

        shown = study(run, tuple(questions().values()))
        if shown:
            write_study(shown, self.folder)


TRACING = pytest.StashKey[Tracing]()
"""Where the session's traces are, if --trace asks for them."""
