from pathlib import Path

import pytest
from miniature import OPTIONS, Suite, imported_by, set_for_processes
from record_builders import LATENCY, ended, passed, run_on
from store_builders import write

from vitcnn.cli import main
from vitcnn.durations.estimate import NOTHING_KNOWN
from vitcnn.gate.baseline import machine_folder, recordings

OWN = """
    import pytest


    def test_ant(measure):
        measure.time(lambda: sum(range(1000)))


    def test_bee(measure):
        pytest.skip("no data")
"""
STORE = Path("benchmarks/baselines")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def suite(folder, monkeypatch):
    set_for_processes(monkeypatch)
    return Suite(folder)


def test_a_recording_is_made_by_fresh_processes_told_and_stored(suite, capsys):
    suite.write("benchmarks/test_own.py", OWN)
    assert main(["baseline", "record", "--runs", "2", "--name", "v1", "--", *OPTIONS]) == 0
    (device,) = STORE.iterdir()
    (found,) = recordings(device)
    assert [stored.path for stored in found.runs] == [
        device / machine_folder() / f"000{number}_v1-{number}of2.json" for number in (1, 2)
    ]
    outcomes = [{case.id: case.outcome for case in stored.run.cases} for stored in found.runs]
    own = "benchmarks/test_own.py::test_"
    assert outcomes == [{f"{own}ant": "passed", f"{own}bee": "skipped"}] * 2
    out, error = capsys.readouterr()
    assert error.startswith(f"vitcnn: The suite runs 2 times, each time in a new process. {NOTHING_KNOWN}\n")
    assert f"Recorded v1 on {device.name}: 2 runs, 1 case, 1 skipped." in out
    assert f"git add {device / machine_folder()} && git commit" in out
    assert main(["baseline", "show"]) == 0
    assert f"Not measured: {own}bee: no data" in capsys.readouterr().out


def test_a_run_without_results_is_status_1_and_leaves_no_store(suite, capsys):
    assert main(["baseline", "record", "--suite", "missing", "--baselines", "kept", "--", *OPTIONS]) == 1
    plan, run, error = capsys.readouterr().err.split("\n", 2)
    assert plan == "vitcnn: The suite runs 5 times, each time in a new process. How long that takes is not known."
    assert run == "vitcnn: run 1 of 5 ..."
    assert error.startswith("vitcnn: pytest ended with status 4. Its last lines:")
    assert "file or directory not found: missing" in error
    assert not Path("kept").exists()


@pytest.fixture
def stores():
    """Two devices: one with four recordings, of which the second is superseded, and one with one."""
    for day, name in enumerate(("oldest", "superseded", "whole", "newest"), start=1):
        cases = [passed("latency/a", day)] if name == "newest" else [passed("latency/a", day), passed("memory/b", day)]
        write(
            STORE / f"cpu-x/m/000{day}_{name}.json",
            run_on(day, *cases, selection=LATENCY if day == 4 else run_on(1).selection),
        )
    write(
        STORE / "nvidia-y" / "0001_only.json",
        run_on(1, passed("latency/a"), ended("latency/c", "skipped", "no compiler")),
    )


def test_show_lists_the_recordings_of_every_device(stores, capsys):
    assert main(["baseline", "show"]) == 0
    table, last = capsys.readouterr().out.strip().split("\n\n")
    assert [line.split()[:2] for line in table.splitlines()[2:]] == [
        ["cpu-x", "oldest"],
        ["cpu-x", "superseded"],
        ["cpu-x", "whole"],
        ["cpu-x", "newest"],
        ["nvidia-y", "only"],
    ]
    assert last == "--device KEY shows the values that each case of one device is compared with."


def test_show_of_one_device_shows_its_cases_too(stores, capsys):
    assert main(["baseline", "show", "--device", "cpu-x", "--all"]) == 0
    overview, cases = capsys.readouterr().out.strip().split("\n\n")
    assert "nvidia-y" not in overview
    assert [(line.split()[0], line.split()[-1]) for line in cases.splitlines()[2:]] == [
        ("latency/a", "newest"),
        ("memory/b", "whole"),
    ]


def files():
    return {path.name for path in STORE.rglob("*.*")}


def test_prune_deletes_what_nothing_needs_and_says_so(stores, capsys):
    answers = STORE / "cpu-x" / "m" / "answers" / "0123456789abcdef.npz"
    answers.parent.mkdir()
    answers.touch()
    before = files()
    superseded = STORE / "cpu-x" / "m" / "0002_superseded.json"
    assert main(["baseline", "prune", "--keep", "1", "--dry-run"]) == 0
    said = [f"would delete {superseded}", f"would delete {answers}", "1 of 5 recordings are not needed."]
    assert capsys.readouterr().out.splitlines() == said
    assert files() == before
    assert main(["baseline", "prune", "--keep", "1", "--device", "nvidia-y"]) == 0
    assert files() == before
    assert main(["baseline", "prune", "--keep", "1"]) == 0
    assert f"deleted {superseded}" in capsys.readouterr().out
    assert files() == before - {superseded.name, answers.name}


def test_prune_keeps_three_unless_told_otherwise(stores):
    before = files()
    main(["baseline", "prune"])
    assert files() == before


@pytest.mark.parametrize("command", ["show", "prune"])
def test_a_file_that_cannot_be_read_is_status_1_and_nothing_is_deleted(stores, capsys, command):
    (STORE / "nvidia-y" / "0001_only.json").write_text("{")
    before = files()
    assert main(["baseline", command]) == 1
    assert capsys.readouterr().err.startswith(
        f"vitcnn: {STORE / 'nvidia-y' / '0001_only.json'}: cannot be read as JSON"
    )
    assert files() == before


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            ["show", "--device", "cpu-y"],
            "--device: 'cpu-y' cannot be used. Allowed: cpu-x, nvidia-y. Did you mean cpu-x",
        ),
        (
            ["show", "--baselines", "missing"],
            "--baselines: 'missing' cannot be used. Allowed: a folder that contains baselines.",
        ),
        (["prune", "--keep", "0"], "--keep: 0 cannot be used."),
        (["record", "--runs", "0"], "--runs: 0 cannot be used."),
        (["record", "--name", "a b"], "--name: 'a b' cannot be used."),
    ],
)
def test_what_cannot_be_used_is_status_2(stores, capsys, arguments, message):
    assert main(["baseline", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"vitcnn: {message}")


def test_showing_and_pruning_import_nothing_heavy(stores):
    code = (
        "from vitcnn.cli import main; import vitcnn.processes.fresh, vitcnn.processes.recording; "
        "[main(['baseline', what]) for what in ('show', 'prune')]"
    )
    assert imported_by(code, "torch", "torchvision", "timm", "peft", "sklearn", "scipy") == set()


def test_what_is_for_pytest_must_stand_behind_two_dashes(capsys):
    with pytest.raises(SystemExit) as refused:
        main(["baseline", "record", "benchmarks"])
    assert refused.value.code == 2
    assert "unrecognized arguments: benchmarks. Arguments for pytest must follow --" in capsys.readouterr().err
