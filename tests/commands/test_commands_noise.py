from dataclasses import replace
from pathlib import Path

import pytest
from miniature import imported_by, set_for_processes
from record_builders import ended, passed, run_on
from repositories import PYTEST_OPTIONS, Repository, case
from store_builders import write

from vitcnn.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def repository(folder, monkeypatch):
    set_for_processes(monkeypatch)
    made = Repository(folder)
    made.commit()
    return made


def test_runs_in_fresh_processes_are_measured_kept_and_judged_again_from_their_files(repository, capsys):
    assert main(["noise", "--runs", "2", "--", *PYTEST_OPTIONS, "-k", "ant or bee"]) == 0
    out, error = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()[2:4]] == [case("ant"), case("bee")]
    assert "2 runs on cpu-" in out
    (kept,) = Path(".vitcnn/noise").iterdir()
    assert sorted(path.parent.name for path in kept.glob("*/run.json")) == ["run-1", "run-2"]
    assert f"vitcnn noise --from {kept}` reads them again" in error
    assert "vitcnn: The suite runs 2 times, each time in a new process." in error
    assert main(["noise", "--from", str(kept)]) == 0
    assert capsys.readouterr().out == out


def test_a_run_that_is_not_good_is_status_1(repository, capsys):
    repository.write("benchmarks/test_more.py", "def test_dog(measure):\n    raise OSError('no bone')\n")
    assert main(["noise", "--runs", "2", "--", *PYTEST_OPTIONS]) == 1
    error = capsys.readouterr().err
    assert "vitcnn: run 1 cannot be used, the noise cannot be determined: 1 of 4 cases did not pass:" in error
    assert len(list(Path(".vitcnn").rglob("run.json"))) == 1


@pytest.fixture
def stored():
    """Three runs of one revision on one device, in a folder and in a store, and one of another revision."""
    for number, (quiet, noisy) in enumerate([(1.0, 1.0), (1.001, 1.1), (0.999, 0.9)], start=1):
        found = run_on(number, passed("latency/quiet", quiet), passed("latency/noisy", noisy), git_commit="1a2b3c4")
        write(Path(f"runs/run-{number}/run.json"), found)
        write(Path(f"store/m/000{number}_v1.json"), found)
    write(Path("other/run.json"), run_on(4, passed("latency/quiet"), git_commit="5d6e7f8"))
    write(Path("resumed/run.json"), replace(run_on(5, passed("a"), git_commit="1a2b3c4"), resumed=("a",)))


@pytest.mark.parametrize(
    "sources", [["runs"], ["store"], ["runs/run-1", "runs/run-2", "runs/run-3/run.json"], ["runs", "runs/run-1"]]
)
def test_a_run_counts_once_wherever_it_is_named(stored, capsys, sources):
    assert main(["noise", "--from", *sources]) == 0
    out = capsys.readouterr().out
    assert "3 runs on cpu-test-1t" in out
    assert [line.split()[0] for line in out.splitlines()[2:4]] == ["latency/noisy", "latency/quiet"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--runs", "1"], "--runs: 1 cannot be used. Allowed: 2 or more."),
        (["--from", "runs/run-1"], "--from: 1 cannot be used. Allowed: 2 runs or more."),
        (["--from", "missing"], "--from: 'missing' cannot be used. Allowed: the path of a run, or of a folder."),
        (["--from", "runs", "other"], "--from: 'other/run.json' cannot be used. Allowed: runs of one revision"),
        (
            ["--from", "runs", "resumed"],
            "--from: 'resumed/run.json' cannot be used. Allowed: runs that one process measured",
        ),
        (["--from", "runs", "--", "-k", "a"], "--: '-k a' cannot be used."),
    ],
)
def test_what_cannot_be_used_is_status_2(stored, capsys, arguments, message):
    assert main(["noise", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"vitcnn: {message}")


def test_from_and_runs_exclude_each_other(stored, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["noise", "--runs", "3", "--from", "runs"])
    assert caught.value.code == 2
    assert "not allowed with argument" in capsys.readouterr().err


def test_a_file_that_is_no_run_is_status_1_and_named(stored, capsys):
    Path("runs/run-2/run.json").write_text("{")
    assert main(["noise", "--from", "runs"]) == 1
    assert capsys.readouterr().err.startswith("vitcnn: runs/run-2/run.json: cannot be read as JSON")


def test_where_nothing_was_timed_that_is_said(capsys):
    for number in (1, 2):
        write(Path(f"runs/run-{number}/run.json"), run_on(number, ended("a", "skipped", "no data")))
    assert main(["noise", "--from", "runs"]) == 0
    assert "the noise is not known" in " ".join(capsys.readouterr().out.split())


def test_judging_files_imports_nothing_heavy(stored):
    code = "from vitcnn.cli import main; main(['noise', '--from', 'runs'])"
    assert imported_by(code, "torch", "torchvision", "timm", "peft", "sklearn") == set()
