"""What a run writes, and where: its own JSON, --benchmark-json, stored baselines; and comparing with them."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from miniature import SWITCH_ON

from vitcnn.record import Selection, load_run
from vitcnn.record.answers import answers

CASES = """
    import pytest


    def test_ant(measure):
        measure.time(lambda: sum(range(1000)))


    @pytest.mark.parametrize("size", [10, 20])
    def test_bee(measure, size):
        measure.time(lambda: sum(range(size)))
"""
CONFTEST = """
    import time
    from dataclasses import replace

    import pytest

    from vitcnn.measuring.own_benchmark import OwnBenchmark
    from vitcnn.record import Series

    pytest_plugins = ["vitcnn.pytest_plugin"]


    @pytest.hookimpl(tryfirst=True)
    def pytest_benchmark_update_machine_info(machine_info):
        machine_info["cpu"]["hz_actual"] = [time.time_ns(), 0]


    def with_answers(record):
        \"\"\"As the cases of the suite that train leave it.\"\"\"
        predictions = Series(name="test_predictions", unit="class", axes=("seed", "image"), values=((1, 0, 1),))
        labels = Series(name="test_labels", unit="class", axes=("image",), values=(1, 1, 1))
        return replace(record, series=(predictions, labels)) if record.measurements else record


    measure = OwnBenchmark.measure
    OwnBenchmark.measure = lambda self, **how: with_answers(measure(self, **how))
"""
OTHER_MACHINE = """

def pytest_benchmark_update_machine_info(machine_info):
    machine_info["node"] = "another"
"""
NAMES = ["test_ant", "test_bee[10]", "test_bee[20]"]


def stored(root: Path, pattern: str) -> Path:
    (path,) = root.glob(pattern)
    return path


@pytest.fixture(scope="module")
def saved(new_suite):
    """Return a suite with one stored run, and that run."""
    suite = new_suite({"conftest.py": CONFTEST, "test_save.py": CASES})
    result = suite.run("--benchmark-save=first", "--benchmark-json=missing/folder/asked.json")
    assert result.exit_code == 0, result.out
    return suite, result


def baseline(saved) -> Path:
    suite, result = saved
    return stored(suite.root, f"benchmarks/baselines/{result.run.environment.device_key}/*/0001_first.json")


def test_a_baseline_is_stored_below_the_key_of_the_device(saved):
    suite, result = saved
    assert baseline(saved).is_file()
    assert f"baselines benchmarks/baselines/{result.run.environment.device_key}\n" in result.out
    assert not (suite.root / ".benchmarks").exists(), "pytest-benchmark's own default"


def test_every_json_of_a_run_holds_the_same_section(saved):
    suite, result = saved
    for path in (baseline(saved), suite.root / "missing" / "folder" / "asked.json"):
        assert json.loads(path.read_text())["vitcnn"] == result.document["vitcnn"]
    assert f"JSON of this run: {result.run_json.relative_to(suite.root)}\n" in result.out


def test_every_json_of_a_run_is_compact_and_pytest_benchmarks_own_content_stays(saved):
    suite, result = saved
    for path in (result.run_json, baseline(saved), suite.root / "missing" / "folder" / "asked.json"):
        text = path.read_text(encoding="utf-8")
        document = json.loads(text)
        assert text == json.dumps(document, separators=(",", ":"))
        assert document["commit_info"]
        assert [row["stats"]["rounds"] for row in document["benchmarks"]]
    assert list(suite.root.rglob("*.partial")) == []


def test_a_record_stands_in_a_file_once_and_the_machine_has_its_environment(saved):
    _, result = saved
    document = json.loads(baseline(saved).read_text())
    assert [row["name"] for row in document["benchmarks"]] == NAMES == result.timed
    assert [row["extra_info"] for row in document["benchmarks"]] == [{}] * len(NAMES)
    rounds_of_a_row = [{"data"} & row["stats"].keys() for row in result.document["benchmarks"]]
    assert rounds_of_a_row == [set()] * len(NAMES), "its record has them"
    environment = document["vitcnn"]["environment"]
    assert document["machine_info"]["vitcnn"].items() <= environment.items()
    assert set(environment) - set(document["machine_info"]["vitcnn"]) == {"git_commit", "git_dirty", "git_changes"}


def test_answers_lie_beside_every_json_of_a_run_and_not_in_it(saved):
    suite, result = saved
    for path in (result.run_json, baseline(saved), suite.root / "missing" / "folder" / "asked.json"):
        records = load_run(path).records
        assert {record.series for record in records} == {()}
        assert [answers(record).right.tolist() for record in records] == [[[True, False, True]]] * len(NAMES)
        assert len(list((path.parent / "answers").iterdir())) == 1, "they are equal"
    assert result.journal == list(result.run.cases)


def test_the_samples_are_the_rounds_of_pytest_benchmark(saved):
    suite, result = saved
    cases = result.document["vitcnn"]["cases"]
    asked = json.loads((suite.root / "missing" / "folder" / "asked.json").read_text())
    for row, record in zip(asked["benchmarks"], (case["record"] for case in cases), strict=True):
        (latency,) = (m for m in record["measurements"] if m["metric"] == "latency_s")
        assert latency["samples"] == pytest.approx(row["stats"]["data"], rel=5.001e-9, abs=0)
        assert (row["stats"]["rounds"], row["stats"]["iterations"]) == (
            record["settings"]["rounds"],
            record["settings"]["calls_per_round"],
        )


def test_what_changes_between_readings_of_the_clock_rate_is_not_saved(saved):
    _, result = saved
    cpu = result.document["machine_info"]["cpu"]
    assert cpu["python_version"], "the keys that stay"
    assert not [key for key in cpu if key.startswith("hz_")]


def test_comparing_works_from_another_working_directory(saved, tmp_path):
    """pytest-benchmark 5.3.1 ends in INTERNALERROR where its warning names a storage outside the directory."""
    suite, _ = saved
    switch_on = (suite.root / "conftest.py").read_text()
    suite.write("conftest.py", switch_on + OTHER_MACHINE)
    result = suite.run(suite.root / "test_save.py", "--benchmark-compare", cwd=tmp_path)
    suite.write("conftest.py", switch_on)
    assert result.exit_code == 0, result.out
    assert "machine_info is different" in result.out
    assert "INTERNALERROR" not in result.out
    assert len(re.findall(r"^test_ant \(0001_first|^test_ant \(NOW", result.out, re.MULTILINE)) == 2
    assert list(tmp_path.iterdir()) == [], "nothing is left in the working directory"


def test_comparing_with_a_run_of_the_same_machine_warns_of_nothing(saved):
    suite, _ = saved
    result = suite.run("--benchmark-compare=0001")
    assert result.exit_code == 0, result.out
    assert "is different" not in result.out
    assert result.out.count("(0001_first)") >= len(NAMES)


def test_the_command_of_pytest_benchmark_reads_what_is_stored(saved):
    suite, _ = saved
    command = [sys.executable, "-m", "pytest_benchmark", "compare", str(baseline(saved))]
    done = subprocess.run(command, cwd=suite.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in NAMES:
        assert name in done.stdout


def test_a_second_run_is_stored_beside_the_first_and_a_place_of_the_users_own_is_respected(suite):
    suite.write("test_save.py", CASES)
    suite.write("pytest.ini", "[pytest]\naddopts = --benchmark-storage=file://./mine\n")
    for _ in range(2):
        assert suite.run("--benchmark-autosave", "-k", "ant").exit_code == 0
    numbers = sorted(path.name.partition("_")[0] for path in suite.root.glob("mine/*/*.json"))
    assert numbers == ["0001", "0002"]
    assert not (suite.root / "benchmarks").exists()


def test_the_default_folder_of_a_run_is_named_by_the_time_and_no_other_folder_is_left(suite):
    suite.write("test_save.py", CASES)
    result = suite.run("-k", "ant", out=False)
    assert result.exit_code == 0, result.out
    run_json = stored(suite.root, ".vitcnn/runs/*/run.json")
    assert re.fullmatch(r"\d{8}T\d{6}Z-\d+", run_json.parent.name)
    assert (run_json.parent / "journal.jsonl").is_file()
    assert not (suite.root / "benchmarks").exists(), "pytest-benchmark makes its storage at once"


def test_where_all_is_skipped_the_json_is_written_all_the_same(suite):
    suite.write(
        "test_skips.py",
        """
        import pytest

        def test_ant(measure): pytest.skip("MNIST is not here")
        def test_bee(measure): pytest.skip("CIFAR-10 is not here")
        """,
    )
    result = suite.run("--benchmark-json=asked.json", "--benchmark-save=nothing")
    assert result.exit_code == 0
    assert list(result.outcomes.values()) == ["skipped", "skipped"]
    assert json.loads((suite.root / "asked.json").read_text()) == result.document
    assert result.document["benchmarks"] == []
    assert result.document["machine_info"]["vitcnn"]["device"] == "cpu"
    assert not list(suite.root.glob("benchmarks/baselines/*/*/*.json")), "an empty run is no baseline"


def test_a_session_without_cases_writes_nothing(suite):
    suite.write("test_plain.py", "def test_plain(): pass")
    result = suite.run()
    assert result.exit_code == 0
    assert not result.folder.exists()
    assert "JSON of this run" not in result.out


def test_a_record_names_the_clock_it_was_timed_by(saved):
    _, result = saved
    assert {record.settings["timer"] for record in result.run.records} == {"perf_counter"}


def test_a_run_says_when_it_began_and_that_it_was_whole(saved):
    _, result = saved
    assert datetime.now(UTC) - datetime.fromisoformat(result.run.started) < timedelta(hours=1)
    assert result.run.selection == Selection(preset="smoke")
    assert result.run.selection.narrowed_by == ""


def test_a_run_says_what_of_the_suite_was_asked_for(suite):
    suite.write("benchmarks/test_own.py", "def test_ant(measure): measure.time(lambda: sum(range(1000)))")
    run = suite.run("benchmarks/test_own.py::test_ant", "-k", "ant", "-m", "not slow", "--preset", "full").run
    assert run.selection == Selection(
        preset="full", keyword="ant", markers="not slow", paths=("benchmarks/test_own.py::test_ant",)
    )


FULL_DISK = """
    import errno
    import os


    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")


    def pytest_runtest_HOOK(nodeid):
        if "test_bee[LAST]" in nodeid:
            os.fsync = full
"""
"""What the disk says from a hook of one case on: each file is flushed to it."""


@pytest.mark.parametrize(
    "hook, last, lost, ending",
    [
        ("logstart", "10", "journal.jsonl", "Cases: 1 not run, 2 passed."),
        ("logfinish", "20", "run.json", "Cases: 3 passed."),
    ],
)
def test_a_run_that_cannot_be_written_is_reported_and_can_be_resumed(suite, hook, last, lost, ending):
    suite.write("conftest.py", FULL_DISK.replace("HOOK", hook).replace("LAST", last) + f"\n    {SWITCH_ON}")
    suite.write("test_save.py", CASES)
    full = suite.run()
    assert full.exit_code == pytest.ExitCode.INTERNAL_ERROR, full.out
    do = "Make room; with `--resume out1` the same command repeats no case that passed."
    assert f"out1/{lost} could not be written (No space left on device). {do}" in full.out
    assert ending in full.out
    assert "Traceback" not in full.out
    assert "JSON of this run" not in full.out
    suite.write("conftest.py", SWITCH_ON)
    resumed = suite.run("--resume", full.folder)
    assert resumed.exit_code == 0, resumed.out
    assert len(resumed.run.resumed) == len(full.journal) > 0
