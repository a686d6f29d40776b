"""A miniature suite whose benchmarks take the times that a file says, another for each process: no noise but ours."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from miniature import THREE_ROUNDS, Suite

BENCHMARKS = """
    import json
    from pathlib import Path

    import pytest

    HERE = Path(__file__).resolve().parents[1]
    TIMES = json.loads((HERE / "times.json").read_text())
    COUNTER = HERE / "processes.txt"
    PROCESS = int(COUNTER.read_text()) if COUNTER.exists() else 0
    COUNTER.write_text(str(PROCESS + 1))
    clock = [0.0]

    def scripted_clock():
        return clock[0]

    def taking(seconds):
        def run():
            clock[0] += seconds[min(PROCESS, len(seconds) - 1)]
        return run

    @pytest.mark.benchmark(timer=scripted_clock)
    @pytest.mark.parametrize("name", TIMES)
    def test_case(measure, name):
        measure.time(taking(TIMES[name]))
"""
USUAL = {
    "ant": (5.00e-3, 5.01e-3, 4.99e-3, 5.02e-3, 4.98e-3),
    "bee": (2.00e-6, 2.01e-6, 2.00e-6, 1.99e-6, 2.00e-6),
    "cat": (0.700, 0.702, 0.698, 0.701, 0.699),
}
"""Seconds of each case in each of five processes: noise of 0.2 to 0.4 %."""


class ScriptedSuite(Suite):
    """The suite, its store of baselines and its times."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.write("conftest.py", THREE_ROUNDS)
        self.write("benchmarks/test_mini.py", BENCHMARKS)
        self.script(USUAL)

    def script(self, times: Mapping[str, Sequence[float]]) -> None:
        """Say what the next processes take, beginning with the next one."""
        self.write("times.json", json.dumps({name: list(seconds) for name, seconds in times.items()}))
        (self.root / "processes.txt").unlink(missing_ok=True)

    @property
    def store(self) -> Path:
        """The folder of this device's baselines."""
        (folder,) = (self.root / "benchmarks" / "baselines").iterdir()
        return folder

    @property
    def stored(self) -> list[Path]:
        """The stored runs, the oldest first."""
        return sorted(self.store.rglob("*.json"))


def copied(original: ScriptedSuite, root: Path) -> ScriptedSuite:
    """Return a copy of a suite with its baselines below `root`, where nothing has run yet."""
    suite = ScriptedSuite(root)
    shutil.copytree(original.root / "benchmarks", root / "benchmarks", dirs_exist_ok=True)
    return suite


def case(name: str) -> str:
    """Return the id of the case `name`."""
    return f"benchmarks/test_mini.py::test_case[{name}]"


def usual(**others: float | Sequence[float]) -> dict[str, Sequence[float]]:
    """Return the usual times, those of the cases in `others` replaced: one for all processes, or one for each."""
    changed = {name: times if isinstance(times, Sequence) else (times,) for name, times in others.items()}
    return {**USUAL, **changed}
