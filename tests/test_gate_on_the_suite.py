"""The gate on the real suite: recorded by `vitcnn baseline record`, judged by `pytest benchmarks --gate` and offline.

Counts alone, so that a busy machine changes no verdict; tests/pytest_plugin/test_plugin_gate.py has the times.
"""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from forked import run_forked
from miniature import PATIENCE_S, environment

ROOT = Path(__file__).parents[1]
CHOSEN = ("-k", "memory and (lenet or vit_micro) and 28 and not lora")
TRAINING = "memory/lenet/28/b16/training/fp32/eager"


def run(program: str, *arguments: object, server: str = "vitcnn") -> tuple[int, str]:
    """Run pytest or vitcnn in the project's root as a user would: with the plugins that are installed, on one thread.

    The processes that they start themselves begin from nothing.
    """
    others = ("GITHUB_STEP_SUMMARY", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    variables = {name: value for name, value in environment().items() if name not in others}
    how = {"folder": ROOT, "environment": variables, "patience_s": 8 * PATIENCE_S, "server": server}
    status, output = run_forked(program, [str(argument) for argument in arguments], **how)
    assert status is not None, output
    return status, output


@pytest.fixture(scope="module")
def baselines(tmp_path_factory) -> Path:
    """Return a folder of baselines with a recording of one process; what is judged by it comes from another."""
    folder = tmp_path_factory.mktemp("baselines")
    options = ("--runs", 1, "--baselines", folder, "--name", "before")
    status, output = run("vitcnn", "baseline", "record", *options, "--", *CHOSEN)
    assert status == 0, output
    assert "4 cases, 0 skipped" in output
    return folder


@pytest.fixture(scope="module")
def judged(baselines, tmp_path_factory) -> tuple[int, str, Path]:
    """Return a run of the gate by a baseline in which lenet kept less for the backward pass, and its folder."""
    for path in baselines.rglob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        (case,) = (case for case in document["vitcnn"]["cases"] if case["id"] == TRAINING)
        (saved,) = (m for m in case["record"]["measurements"] if m["metric"] == "saved_for_backward_bytes")
        saved["samples"] = [saved["samples"][0] - 4096]
        path.write_text(json.dumps(document), encoding="utf-8")
    out = tmp_path_factory.mktemp("judged") / "run"
    (store,) = baselines.iterdir()
    options = ("--gate", f"--benchmark-storage=file://{store}", "--out", out, f"--junitxml={out}.xml")
    return *run("pytest", "benchmarks", *CHOSEN, *options, server="libraries"), out


def test_one_more_saved_activation_is_red_and_nothing_else(judged):
    status, output, out = judged
    assert status == pytest.ExitCode.TESTS_FAILED, output
    failing = [
        (test.get("name"), failure.text)
        for test in ElementTree.parse(f"{out}.xml").getroot().iter("testcase")
        for failure in test.iter("failure")
    ]
    ((name, reason),) = failing
    assert name == f"saved_for_backward_bytes[{TRAINING}]"
    assert reason.startswith("WORSE: ")
    assert "+4,096 B, compared exactly" in reason
    assert re.search(r"^RED \(mode on\): .*: 1 WORSE", output.replace("\n  ", " "), re.MULTILINE)


def test_the_same_verdict_comes_from_the_files(judged, baselines):
    *_, out = judged
    status, output = run("vitcnn", "gate", out, "--baseline", baselines)
    assert status == 1, output
    assert re.search(r"^RED \(mode on\): .*: 1 WORSE", output.replace("\n  ", " "), re.MULTILINE)


def test_a_case_that_is_skipped_or_gone_is_missing(judged, baselines, tmp_path):
    *_, out = judged
    document = json.loads((out / "run.json").read_text(encoding="utf-8"))
    gone, skipped, *_ = (case for case in document["vitcnn"]["cases"] if case["outcome"] == "passed")
    document["vitcnn"]["cases"].remove(gone)
    skipped.update(outcome="skipped", reason="no GPU", record=None)
    (tmp_path / "run.json").write_text(json.dumps(document), encoding="utf-8")
    status, output = run("vitcnn", "gate", tmp_path, "--baseline", baselines)
    assert status == 1
    assert "2 MISSING" in output
    assert "skipped: no GPU" in " ".join(output.split())
