"""The gate on the real suite: recorded by `vitcnn baseline record`, judged by `pytest benchmarks --gate` and offline.

Counts alone, so that a busy machine changes no verdict; tests/pytest_plugin/test_plugin_gate.py has the times.
"""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from miniature import PATIENCE_S, environment

ROOT = Path(__file__).parents[1]
VITCNN = ("-c", "from vitcnn.cli import main; raise SystemExit(main())")
CHOSEN = ("-k", "memory and (lenet or vit_micro) and 28 and not lora")
TRAINING = "memory/lenet/28/b16/training/fp32/eager"


def python(*arguments: object) -> subprocess.CompletedProcess:
    """Run Python in the project's root as a user would: with the plugins that are installed, on one thread, no GPU."""
    others = ("GITHUB_STEP_SUMMARY", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    variables = {name: value for name, value in environment().items() if name not in others}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        timeout=8 * PATIENCE_S,
    )


@pytest.fixture(scope="module")
def baselines(tmp_path_factory) -> Path:
    """Return a folder of baselines with a recording of two processes."""
    folder = tmp_path_factory.mktemp("baselines")
    done = python(*VITCNN, "baseline", "record", "--runs", 2, "--baselines", folder, "--name", "before", "--", *CHOSEN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 cases, 0 skipped" in done.stdout
    return folder


@pytest.fixture(scope="module")
def judged(baselines, tmp_path_factory) -> tuple[subprocess.CompletedProcess, Path]:
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
    return python("-m", "pytest", "benchmarks", *CHOSEN, *options), out


def test_one_more_saved_activation_is_red_and_nothing_else(judged):
    done, out = judged
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    failing = [
        (test.get("name"), failure.text)
        for test in ElementTree.parse(f"{out}.xml").getroot().iter("testcase")
        for failure in test.iter("failure")
    ]
    ((name, reason),) = failing
    assert name == f"saved_for_backward_bytes[{TRAINING}]"
    assert reason.startswith("WORSE: ")
    assert "+4,096 B, compared exactly" in reason
    assert re.search(r"^RED \(mode on\): .*: 1 WORSE", done.stdout.replace("\n  ", " "), re.MULTILINE)


def test_the_same_verdict_comes_from_the_files(judged, baselines):
    _, out = judged
    done = python(*VITCNN, "gate", out, "--baseline", baselines)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^RED \(mode on\): .*: 1 WORSE", done.stdout.replace("\n  ", " "), re.MULTILINE)


def test_a_case_that_is_skipped_or_gone_is_missing(judged, baselines, tmp_path):
    _, out = judged
    document = json.loads((out / "run.json").read_text(encoding="utf-8"))
    gone, skipped, *_ = (case for case in document["vitcnn"]["cases"] if case["outcome"] == "passed")
    document["vitcnn"]["cases"].remove(gone)
    skipped.update(outcome="skipped", reason="no GPU", record=None)
    (tmp_path / "run.json").write_text(json.dumps(document), encoding="utf-8")
    done = python(*VITCNN, "gate", tmp_path, "--baseline", baselines)
    assert done.returncode == 1
    assert "2 MISSING" in done.stdout
    assert "skipped: no GPU" in " ".join(done.stdout.split())
