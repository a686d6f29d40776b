"""`vitcnn run` and what records for it, as an installed package does: its own suite is a scripted miniature here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from miniature import SET, SWITCH_ON, Result, Suite
from repositories import BENCHMARKS, PYTEST_OPTIONS, SECONDS

import vitcnn

GREEN, RED, USAGE = 0, 1, 4
FEW_ROUNDS = """
    from vitcnn.bench.rounds import Rounds
    from vitcnn.measuring import own_benchmark

    own_benchmark.MANY_ROUNDS = Rounds(at_least=3, at_most=3, budget_s=0)
"""
OWN = "def test_dog(measure):\n    measure.time(int)\n"
REFUSES = "raise RuntimeError('this conftest is none of ours')\n"


class Project(Suite):
    """A folder without a suite; the package lies in the environment in it, as a wheel installs it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.num_runs = 0
        self.site = root / ".venv" / "site"
        shutil.copytree(Path(vitcnn.__file__).parent, self.site / "vitcnn")  # compiled, as an installer leaves it
        self.write(".venv/site/vitcnn/_benchmarks/test_mini.py", FEW_ROUNDS + BENCHMARKS)
        self.write(".venv/site/conftest.py", REFUSES)
        self.write("../pytest.ini", "[pytest]\naddopts = --no-such-option\n")
        self.take()

    def take(self, **seconds: float) -> None:
        """Say what the cases take: the usual, but for those named here."""
        self.write("lib.py", f"SECONDS = { ({**SECONDS, **seconds}) }\n")

    def vitcnn(self, *arguments: str) -> Result:
        """Run the command; the result's folder is that of the newest run."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
        done = subprocess.run(
            [sys.executable, "-m", "vitcnn", *arguments],
            cwd=self.root,
            env={**environment, **SET, "PYTHONPATH": str(self.site)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        runs = sorted(self.root.glob(".vitcnn/runs/*"), key=lambda path: path.stat().st_mtime_ns)
        return Result(done.returncode, done.stdout, runs[-1] if runs else self.root)

    def measure(self, *arguments: str) -> Result:
        """Run the suite with the plugins of a miniature."""
        return self.vitcnn("run", *PYTEST_OPTIONS, *arguments)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "project")


def test_the_packages_own_suite_is_recorded_and_gated_in_a_folder_that_has_none(project):
    recorded = project.vitcnn("baseline", "record", "--runs", "3", "--", *PYTEST_OPTIONS)
    assert recorded.exit_code == 0, recorded.out
    assert len(list((project.root / "benchmarks" / "baselines").rglob("*.json"))) == 3
    result = project.measure("--gate")
    assert result.exit_code == GREEN, result.out
    assert sorted(result.outcomes) == [f"test_case[{name}]" for name in SECONDS]
    project.take(bee=6e-6)
    result = project.measure("--gate")
    assert result.exit_code == RED, result.out
    assert "WORSE" in result.out
    assert list(result.folder.glob("rerun-*/run.json")), "suspects are measured again by the same command line"
    assert {path.name for path in project.site.iterdir()} == {"vitcnn", "conftest.py"}, "nothing is left there"


def test_a_suite_of_the_folder_takes_the_place_of_the_packages_with_a_conftest_and_without(project):
    project.write("pytest.ini", "[pytest]\n")
    project.write("benchmarks/test_more.py", OWN)
    assert list(project.measure().outcomes) == ["test_dog"]
    project.write("conftest.py", SWITCH_ON)
    result = project.measure("--out", "kept")
    assert result.exit_code == GREEN, result.out
    assert (project.root / "kept" / "run.json").is_file()


def test_a_path_takes_the_place_of_the_suite_and_the_value_of_an_option_does_not(project):
    project.write("mine/test_more.py", OWN)
    project.write("ant/notes.txt", "a folder that is called as a case is")
    result = project.measure("-k", "ant")
    assert result.outcomes["test_case[ant]"] == "passed", result.out
    project.write("pytest.ini", "[pytest]\n")
    assert list(project.measure("mine/test_more.py").outcomes) == ["test_dog"]


def test_the_folders_own_configuration_of_pytest_holds(project):
    project.write("pytest.ini", "[pytest]\naddopts = -k ant\n")
    result = project.measure()
    assert {name for name, outcome in result.outcomes.items() if outcome == "passed"} == {"test_case[ant]"}


@pytest.mark.parametrize("argument, message", [("--no-such-option", "unrecognized"), ("nowhere.py", "not found")])
def test_the_exit_status_is_pytests_own(project, argument, message):
    result = project.measure(argument)
    assert result.exit_code == USAGE
    assert message in result.out
