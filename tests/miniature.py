"""A miniature suite in a folder of its own, run by pytest in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import dedent

import pytest
from forked import import_path, run_forked

from vitcnn.pytest_plugin.journal import read_journal
from vitcnn.record import CaseResult, Run, load_run

PATIENCE_S = 30.0
PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "pytest_benchmark.plugin")
SET = {
    "COLUMNS": "200",
    "CUDA_VISIBLE_DEVICES": "",  # these tests are about the plugin: the CPU will do, and its baselines' key is known
    "OMP_NUM_THREADS": "1",  # torch's threads wait for each other busily where a core is taken
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
OPTIONS = (*PYTEST[3:], "--rootdir=.")
SWITCH_ON = 'pytest_plugins = ["vitcnn.pytest_plugin"]\n'
THREE_ROUNDS = f"""
    from vitcnn.measuring import own_benchmark
    from vitcnn.bench.rounds import Rounds

    own_benchmark.MANY_ROUNDS = Rounds(at_least=3, at_most=3, budget_s=0)
    {SWITCH_ON}"""
"""The root conftest of a suite whose cases run three rounds: enough where a clock is scripted."""


@dataclass(frozen=True)
class Result:
    """What one run left: exit status, both output streams together, and its folder."""

    exit_code: int
    out: str
    folder: Path

    @property
    def run_json(self) -> Path:
        return self.folder / "run.json"

    @cached_property
    def document(self) -> dict:
        return json.loads(self.run_json.read_text(encoding="utf-8"))

    @cached_property
    def run(self) -> Run:
        return load_run(self.run_json)

    @cached_property
    def journal(self) -> list[CaseResult]:
        return list(read_journal(self.folder / "journal.jsonl").results)

    @property
    def outcomes(self) -> dict[str, str]:
        return {case.id.partition("::")[2] or case.id: case.outcome for case in self.run.cases}

    def case(self, name: str) -> CaseResult:
        (found,) = (case for case in self.run.cases if name in (case.id, case.id.partition("::")[2]))
        return found

    @property
    def timed(self) -> list[str]:
        return [row["name"] for row in self.document["benchmarks"]]


def set_for_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this process the variables that those of a `Suite` have, for what starts processes by itself."""
    for name in [name for name in os.environ if name.startswith("PYTEST")]:
        monkeypatch.delenv(name)
    for name, value in environment().items():
        monkeypatch.setenv(name, value)


def environment() -> dict[str, str]:
    """Return the variables of a process of a `Suite`: this repository's vitcnn, one thread, no other plugins."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return {**inherited, **SET, "PYTHONPATH": import_path(inherited)}


def imported_by(code: str, *modules: str, cwd: Path | None = None) -> set[str]:
    """Return which of `modules` a Python that begins from nothing has imported once it has run `code`."""
    told = f"{code}\nimport sys; print('IMPORTED', *({{*{modules}}} & sys.modules.keys()))"
    command = [sys.executable, "-c", told]
    done = subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


class Suite:
    """Files in a folder; `run` starts pytest there. Other plugins than ours stay out: they cost a second each."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.num_runs = 0
        self.write("conftest.py", SWITCH_ON)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    def arguments(self, args: Sequence[object], out: bool = True) -> tuple[list[str], Path]:
        """Return the next run's arguments and folder: out1, out2 ... but where `args` name one, or `out` is false."""
        self.num_runs += 1
        folder = self.root / f"out{self.num_runs}"
        out_args = ("--out", folder) if out and "--out" not in args else ()
        return [*PYTEST[3:], f"--rootdir={self.root}", *map(str, (*out_args, *args))], folder

    def run(self, *args: object, cwd: Path | None = None, out: bool = True, models: bool = False) -> Result:
        """Run in a process that is forked from one which has imported what it needs: with `models`, torch and timm."""
        arguments, folder = self.arguments(args, out)
        how = {"folder": cwd or self.root, "environment": environment(), "patience_s": 4 * PATIENCE_S}
        how["server"] = "libraries" if models else "vitcnn"
        status, output = run_forked("pytest", arguments, **how)
        assert status is not None, f"did not end in {4 * PATIENCE_S:.0f} s: {output}"
        return Result(status, output, folder)

    def start(self, *args: object) -> tuple[subprocess.Popen, Path]:
        """Start a run in a process that begins from nothing, to send it signals; `finish` ends it."""
        arguments, folder = self.arguments(args)
        process = subprocess.Popen(
            [*PYTEST[:3], *arguments],
            cwd=self.root,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return process, folder

    def finish(self, process: subprocess.Popen, folder: Path) -> Result:
        """Return what a run left, once it has ended."""
        try:
            output, _ = process.communicate(timeout=4 * PATIENCE_S)
        finally:
            process.kill()
        return Result(process.returncode, output, folder)

    def wait_for(self, name: str, process: subprocess.Popen) -> None:
        """Return as soon as the run has made the file `name`; fail where it has not within 30 s."""
        end = time.monotonic() + PATIENCE_S
        while not (self.root / name).exists():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < end, f"waited {PATIENCE_S:.0f} s for {name}"
            time.sleep(0.02)

    def collect(self, *args: object, models: bool = False) -> list[str]:
        """Return what --collect-only lists, as the parts in brackets."""
        result = self.run("--collect-only", "-q", *args, models=models)
        assert result.exit_code == 0, result.out
        return [line.partition("[")[2].rstrip("]") for line in result.out.splitlines() if "::" in line]
