"""The suite itself, in processes of its own: what it collects, a few quick cases, and cases that go wrong."""

import json
import re
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest
from forked import run_forked
from miniature import PYTEST, environment

from vitcnn.record import Run, load_run

ROOT = Path(__file__).parents[1]
FILES = sorted(path.name for path in (ROOT / "benchmarks").glob("test_*.py"))
IN_SMOKE = [name for name in FILES if name != "test_defects.py"]
"""Those with cases in the smallest preset, which runs where there is no accelerator."""

CONFTEST = """
    from dataclasses import replace

    from vitcnn.architectures import architectures
    from vitcnn.architectures.cnn import LENET

    pytest_plugins = ["vitcnn.pytest_plugin"]


    def not_a_number(shape):
        from torch import nn

        model = LENET.builder(shape)
        nn.init.constant_(model[-1].bias, float("nan"))
        return model


    def too_large(shape):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")


    def broken(shape):
        raise RuntimeError("the weights are not for this shape")


    for name, builder in (("nan_net", not_a_number), ("large_net", too_large), ("broken_net", broken)):
        architectures()[name] = replace(LENET, name=name, builder=builder)
"""

ODD = """
    from vitcnn import AccuracyCase, LatencyCase, TrainingCase

    NAMES = ("nan_net", "large_net", "broken_net", "lenet")
    CASES = (
        *(LatencyCase(architecture=name, px=28, batch=1) for name in NAMES),
        *(TrainingCase(architecture=name, px=28, batch=1) for name in NAMES),
        AccuracyCase(architecture="nan_net", task="digits", recipe="digits_cnn"),
        LatencyCase(architecture="lenet", px=32, batch=1),
    )


    def test_odd(case, measure):
        measure(case)
"""

ENDINGS = {
    "latency/nan_net/28/b1/fp32/eager": ("diverged", "holds NaN or infinity"),
    "latency/large_net/28/b1/fp32/eager": ("out_of_memory", "can't allocate memory"),
    "latency/broken_net/28/b1/fp32/eager": ("failed", "RuntimeError: the weights are not for this shape"),
    "latency/lenet/28/b1/fp32/eager": ("passed", ""),
    "training/nan_net/28/b1/fp32/eager": ("diverged", "check"),
    "training/large_net/28/b1/fp32/eager": ("out_of_memory", "choose a smaller batch"),
    "training/broken_net/28/b1/fp32/eager": ("failed", "RuntimeError: the weights are not for this shape"),
    "training/lenet/28/b1/fp32/eager": ("passed", ""),
    "accuracy/nan_net/digits/digits_cnn/fp32/eager": ("diverged", "loss"),
    "latency/lenet/32/b1/fp32/eager": ("passed", ""),
}

METRICS = {
    "latency": {"latency_s", "images_per_s"},
    "training": {"step_time_s", "images_per_s"},
    "inference": {"parameters", "macs", "latency_s"},
}


MINE = """
    from torch import nn


    class Net(nn.Sequential):
        def __init__(self, px, channels, num_classes):
            super().__init__(nn.Flatten(), nn.Linear(channels * px * px, num_classes))

        def forward(self, images):
            if self.training:
                raise ValueError("not in training")
            return super().forward(images)
"""


def run(*args: object, cwd: Path) -> tuple[int, str]:
    """Run pytest on one thread of the CPU, with no plugin but ours and pytest-benchmark; return status and output."""
    variables = {**environment(), "COLUMNS": "150"}
    how = {"folder": cwd, "environment": variables, "patience_s": 300, "server": "libraries"}
    status, output = run_forked("pytest", [*PYTEST[3:], *map(str, args)], **how)
    assert status is not None, output
    return status, output


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, Run]]:
    """Run quick cases of the suite, those of a user's own model beside them, and the odd ones."""
    folder = tmp_path_factory.mktemp("benchmarks")
    (folder / "conftest.py").write_text(dedent(CONFTEST))
    (folder / "test_odd.py").write_text(dedent(ODD))
    (folder / "mine.py").write_text(dedent(MINE))
    quick = "lenet and /28/ and (latency or memory or training) and not lora"
    storage = f"--benchmark-storage=file://{folder / 'stored'}"
    own = ("--arch", f"{folder}/mine.py:Net,lenet", "-k", "/b16/ and /28/ and not head")
    ended = {
        "suite": run("benchmarks", "-k", quick, storage, "--out", folder / "suite", cwd=ROOT),
        "own": run("benchmarks", *own, "--benchmark-columns=min,median", "--out", folder / "own", cwd=ROOT),
        "odd": run(f"--rootdir={folder}", "--out", folder / "odd", cwd=folder),
    }
    return {name: (*said, load_run(folder / name / "run.json")) for name, said in ended.items()}


def test_collecting_the_suite_lists_every_file_and_imports_no_torch(tmp_path):
    (tmp_path / "tell_heavy.py").write_text(
        "import sys\n"
        "def pytest_unconfigure():\n"
        "    print('HEAVY:', sorted({'torch', 'torchvision', 'timm', 'peft'} & sys.modules.keys()))\n"
    )
    options = ("-p", "tell_heavy", "-o", f"pythonpath={tmp_path}", f"--benchmark-storage=file://{tmp_path}")
    command = [*PYTEST, "benchmarks", "--collect-only", "-q", *options]
    output = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False).stdout
    collected = [line for line in output.splitlines() if "::" in line]
    assert sorted({line.partition("::")[0] for line in collected}) == [f"benchmarks/{name}" for name in IN_SMOKE]
    assert len(FILES) >= 5
    assert "HEAVY: []" in output


def test_before_the_first_case_the_suite_says_how_long_it_takes(finished):
    _, output, _ = finished["suite"]
    assert "vitcnn: 5 cases take about " in output.partition("test_inference_latency.py .")[0]


def test_a_few_cases_of_the_suite_pass(finished):
    exit_code, output, run = finished["suite"]
    assert exit_code == 0, output
    passed = [case.id for case in run.cases if case.outcome == "passed"]
    assert passed == [
        "latency/lenet/28/b1/fp32/eager",
        "latency/lenet/28/b16/fp32/eager",
        "memory/lenet/28/b16/inference/fp32/eager",
        "memory/lenet/28/b16/training/fp32/eager",
        "training/lenet/28/b16/fp32/eager",
    ]
    assert {case.outcome for case in run.cases if case.id not in passed} == {"deselected"}


def test_a_users_own_model_stands_beside_the_catalogues(finished):
    exit_code, output, run = finished["own"]
    assert exit_code == pytest.ExitCode.TESTS_FAILED, output
    ended = {case.id: case for case in run.cases if case.outcome != "deselected"}
    outcomes = {name: case.outcome for name, case in ended.items() if "mine" in name}
    of_lora = {name: outcomes.pop(name) for name in list(outcomes) if "/lora4_" in name}
    assert (len(of_lora), set(of_lora.values())) == (6, {"skipped"}), "it has no layer for that"
    assert outcomes == {
        "latency/mine:Net/28/b16/fp32/eager": "passed",
        "memory/mine:Net/28/b16/inference/fp32/eager": "passed",
        "memory/mine:Net/28/b16/training/fp32/eager": "failed",
        "training/mine:Net/28/b16/fp32/eager": "failed",
    }
    reason = ended["training/mine:Net/28/b16/fp32/eager"].reason
    assert re.match(r"mine:Net raised ValueError: not in training \(mine\.py, line \d+, in forward\)", reason)
    assert {record.family for record in run.records if "mine" in record.case} == {"other"}
    assert re.search(r"^\s*other\s+mine:Net\s", output, re.MULTILINE)
    assert "Traceback" not in output


def test_records_hold_the_metrics_that_others_rely_on(finished):
    _, _, run = finished["suite"]
    for record in run.records:
        names = {measurement.metric for measurement in record.measurements}
        assert (record.architecture, record.family, record.status) == ("lenet", "cnn", "ok")
        if record.settings["question"] in ("latency", "training"):
            assert {*METRICS[record.settings["question"]]} <= names
        else:
            assert {"parameters", "macs"} <= names
            assert ("saved_for_backward_bytes" in names) == (record.settings["phase"] == "training")
    assert len(run.records) == 5


def test_a_case_takes_few_bytes_of_the_json(finished):
    """Of the 84 cases of the smoke preset, those that train a model take 6 to 9 kB, these less: 4.4 kB all in all."""
    *_, run = finished["suite"]
    document = json.loads((run.records[0].folder / "run.json").read_text(encoding="utf-8"))
    passed = [case for case in document["vitcnn"]["cases"] if case["outcome"] == "passed"]
    text = json.dumps([passed, document["benchmarks"], document["vitcnn"]["metrics"]], separators=(",", ":"))
    assert len(run.records) == len(passed) == len(document["benchmarks"]) == 5
    assert len(text) / 5 <= 4_000


def test_lenet_is_counted_as_by_hand(finished):
    """LeNet-5: 61,706 parameters; 416,520 multiply-accumulates of a padded 28 px image."""
    _, _, run = finished["suite"]
    record = next(record for record in run.records if record.settings.get("phase") == "inference")
    assert record.samples("parameters") == (61_706,)
    assert record.samples("macs") == (28 * 28 * 6 * 25 + 10 * 10 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10,)


def test_the_table_has_a_row_for_the_architecture_and_columns_for_what_was_measured(finished):
    _, output, _ = finished["suite"]
    table = output[output.index(" vitcnn ===") :]
    (row,) = (line for line in table.splitlines() if re.match(r"\s*cnn\s+lenet\s", line))
    for column in ("latency", "images/s", "saved for", "28 px", "median/p95", "MACs"):
        assert column in table
    assert "0.0617" in row, "million parameters"
    assert "accuracy" not in table, "no column for what was not measured"
    assert "JSON of this run: " in table


def test_pytest_benchmarks_own_table_is_there_where_it_is_asked_for(finished):
    for name, is_there in (("own", True), ("suite", False)):
        _, output, _ = finished[name]
        assert all((f"benchmark '{group}'" in output) == is_there for group in ("latency", "memory", "training"))


@pytest.mark.parametrize("name", ENDINGS)
def test_a_case_that_goes_wrong_says_so_and_the_others_go_on(finished, name):
    _, _output, run = finished["odd"]
    (ended,) = (case for case in run.cases if case.id == name)
    outcome, reason = ENDINGS[name]
    assert (ended.outcome, reason in ended.reason) == (outcome, True), ended.reason
    assert ended.record is None or ended.record.status == ("ok" if outcome == "passed" else outcome)


def test_nothing_that_goes_wrong_is_green(finished):
    exit_code, output, run = finished["odd"]
    assert [case.id for case in run.cases] == list(ENDINGS)
    assert exit_code == pytest.ExitCode.TESTS_FAILED
    assert "Cases: 3 diverged, 2 failed, 2 out of memory, 3 passed." in output
    assert "INTERNALERROR" not in output
    assert json.dumps(run.to_json(), allow_nan=False)
