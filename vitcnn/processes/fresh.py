"""Runs the suite in a fresh process, to measure what differs between processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from vitcnn.errors import RunFailed, UserError

RUN_JSON, OUTPUT = "run.json", "terminal.txt"

RERUN = "rerun-"
"""How the folders begin, in a run's folder, of the runs that measured its suspects again."""

UNJUDGED = "unjudged"
"""The file in a run's folder that is there until its gate has come to a verdict: without it a run was cut short."""

LAST_LINES = 15

WRONG_USAGE = 4
"""pytest's exit status."""

GRACE_S = 30.0
"""So long may a process take to save what it has once it was told to end."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a process that vitcnn starts is to measure.

    `cases` are the ids of the only cases to measure, None for all that are collected. Block `seed_block` of the seeds
    is trained: of a case with three seeds block 0 is 0, 1, 2 and block 1 is 3, 4, 5. `turns` is the inherited socket
    over which the process takes turns with that of another revision, None where it measures alone. `estimate_to` is the
    file for the estimate of how long the cases take, None where nobody asks.
    """

    cases: frozenset[str] | None = None
    seed_block: int = 0
    turns: int | None = None
    estimate_to: str | None = None

    def to_json(self) -> str:
        """Return the request as the JSON that `vitcnn.requested` reads, that of an older revision too."""
        document = {**asdict(self), "cases": None if self.cases is None else sorted(self.cases)}
        if self.estimate_to is None:
            del document["estimate_to"]
        return json.dumps(document)

    @classmethod
    def from_json(cls, text: str) -> Request:
        """Build the request that `to_json` wrote."""
        document = json.loads(text)
        cases = document["cases"]
        return cls(**{**document, "cases": None if cases is None else frozenset(cases)})


def measure_in_fresh_process(
    arguments: Sequence[str],
    *,
    out: Path,
    root: Path,
    environment: Mapping[str, str] | None = None,
    request: Request | None = None,
) -> Path:
    """Run `pytest ARGUMENTS --out OUT` in a process of its own, in the folder `root`; return the run's JSON in `out`.

    `arguments` name the suite too, `environment` is added to this process's variables, `request` says what of the suite
    to measure (all of it, with the first seeds). What pytest prints goes to `terminal.txt` in `out`. Ctrl-C and SIGTERM
    end the run, which saves what it has measured, and raise KeyboardInterrupt; a second one kills it. Raises UserError
    where `out` holds a run already, and RunFailed where the run wrote no JSON.
    """
    with started(arguments, out=out, root=root, environment=environment, request=request) as process:
        status = process.wait()
    return run_json_of(out, status)


@contextmanager
def started(
    arguments: Sequence[str],
    *,
    out: Path,
    root: Path,
    environment: Mapping[str, str] | None = None,
    request: Request | None = None,
    inherited: Sequence[int] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """Start what `measure_in_fresh_process` runs; at the end of the block it has ended, or is made to.

    `inherited` are the file descriptors that it gets. It is in a group of its own, so that the terminal's Ctrl-C
    reaches it once. The option and its value are one word: of two, pytest takes a folder elsewhere for one of tests.
    """
    out = out.absolute()
    if (out / RUN_JSON).exists():
        do = "Name another folder."
        raise UserError(field="out", value=str(out), allowed="a folder that holds no run yet", do=do)
    out.mkdir(parents=True, exist_ok=True)
    with (
        (out / OUTPUT).open("wb") as output,
        sigterm_as_interrupt(),
        subprocess.Popen(
            [sys.executable, "-m", "vitcnn.requested", *arguments, f"--out={out}"],
            cwd=root,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},  # its error comes last
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
            pass_fds=inherited,
        ) as process,
    ):
        try:
            _tell(process, request or Request())
            yield process
        except BaseException:
            process.terminate()
            wait_or_kill(process)
            raise


def _tell(process: subprocess.Popen[bytes], request: Request) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin as pipe:  # a process that ended at once says why in its output
        pipe.write(request.to_json().encode())


def run_json_of(out: Path, status: int) -> Path:
    """Return the JSON of the run that ended with `status`; RunFailed, with its last lines, where there is none.

    A session that pytest ended as wrong usage may leave one, of nothing that can be used.
    """
    run_json = out.absolute() / RUN_JSON
    if status == WRONG_USAGE or not run_json.is_file():
        raise RunFailed(_without_json(status, out.absolute() / OUTPUT))
    return run_json


def wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    """Wait while a process saves what it has; kill it, and all that it started, where that takes too long."""
    try:
        process.wait(GRACE_S)
    except BaseException as error:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end this process as Ctrl-C does, in its main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def interrupt(_signal: int, _frame: Any) -> NoReturn:
    """Do for SIGTERM what Python does for Ctrl-C."""
    raise KeyboardInterrupt("SIGTERM")


def _without_json(status: int, output: Path) -> str:
    lines = output.read_text(encoding="utf-8", errors="replace").splitlines()
    last = "".join(f"\n  {line}" for line in lines[-LAST_LINES:])
    how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    what = "" if status == WRONG_USAGE else f" and left no {RUN_JSON}"
    return f"pytest {how}{what}. Its last lines:{last}\nAll of its output: {output}"
