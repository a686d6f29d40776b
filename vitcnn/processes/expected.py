"""Says before the first process of a command what it is about to do, and about how long that takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from vitcnn.durations import Estimate
from vitcnn.processes.fresh import Request, started
from vitcnn.quantity import counted

Tell = Callable[[str], None]
"""Told what is about to happen."""

NOT_COLLECTED = "How long that takes is not known."
"""The processes themselves will say why no case can be collected."""


def plan_of_runs(arguments: Sequence[str], root: Path, runs: int) -> str:
    """Return the plan of a command that runs `pytest ARGUMENTS` so many times in the folder `root`."""
    times = "once, in a new process" if runs == 1 else f"{runs} times, each time in a new process"
    return _with_time(f"The suite runs {times}.", arguments, root, f"All {runs} runs take" if runs > 1 else "", runs)


def plan_of_pairs(between: str, arguments: Sequence[str], root: Path, *, least: int, most: int, minutes: float) -> str:
    """Return the plan of a comparison `between` two revisions, by `least` to `most` pairs of processes."""
    if most > least:
        end = f"{least} to {most} pairs of processes, until all cases are decided"
        end = f"{end}; after {minutes:g} min no further pair begins"
    else:
        end = f"{counted(most, 'pair')} of processes"
    return _with_time(f"The {between} are compared in {end}.", arguments, root, "A pair takes", 2)


def _with_time(plan: str, arguments: Sequence[str], root: Path, together: str, times: int) -> str:
    found = expected(arguments, root)
    if found is None or not found.num_cases:
        return f"{plan} {NOT_COLLECTED}"
    total = f"{together} {found.repeated(times)}." if together and found.seconds else ""
    return " ".join(filter(None, (plan, found.text, total)))


def expected(arguments: Sequence[str], root: Path) -> Estimate | None:
    """Return how long `pytest ARGUMENTS` takes in the folder `root`; None where it cannot collect its cases.

    pytest says so itself, in a process that collects and measures nothing: which cases are chosen, and which of them
    can run here, only it knows. Each process that measures takes as long as this one before its first case.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "estimate.json"
        request = Request(estimate_to=str(path))
        out = Path(folder) / "collected"
        start = time.perf_counter()
        with started([*arguments, "--collect-only"], out=out, root=root, request=request) as process:
            process.wait()
        needed_s = time.perf_counter() - start
        if not path.is_file():
            return None
        found = Estimate.from_json(path.read_text(encoding="utf-8"))
        return replace(found, before_s=found.before_s + needed_s)
