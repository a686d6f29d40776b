"""The workflows that docs/gate.md offers for copying."""

import shlex
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
GITHUB = yaml.safe_load((ROOT / "docs" / "ci" / "github-gate.yml").read_text(encoding="utf-8"))
GITLAB = yaml.safe_load((ROOT / "docs" / "ci" / "gitlab-gate.yml").read_text(encoding="utf-8"))


def commands() -> dict[str, list[str]]:
    return {
        "github": [step["run"] for step in GITHUB["jobs"]["gate"]["steps"] if "run" in step],
        "gitlab": GITLAB["gate"]["script"],
    }


@pytest.mark.parametrize("place", ["github", "gitlab"])
def test_both_run_the_gate_by_tox_and_set_it_up_alone(place):
    install, gate = commands()[place]
    assert install == "python3 -m venv .venv && .venv/bin/pip install tox"
    assert gate.startswith(".venv/bin/tox -e gate -- --junitxml=")


def test_tox_gates_and_leaves_further_options_to_the_caller():
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    emptied, gate, verdict = tox["testenv:gate"]["commands"].split("\n")[1:]
    mode = "{env:VITCNN_GATE_MODE:on}"
    assert "Path('gate-run')" in emptied
    assert gate.endswith(f"pytest benchmarks --gate={mode} --gate-reruns=2 {{posargs}} --out=gate-run")
    assert verdict.endswith(f"vitcnn gate gate-run --baseline benchmarks/baselines --mode={mode}")
    assert "GITHUB_*" in tox["testenv"]["pass_env"].split()


@pytest.mark.parametrize("kind", ["folder", "link", "file", "nothing"])
def test_tox_leaves_nothing_where_the_run_will_be(tmp_path, kind):
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    code = shlex.split(tox["testenv:gate"]["commands"].split("\n")[1])[-1]
    earlier, run = tmp_path / "earlier", tmp_path / "gate-run"
    earlier.mkdir()
    (earlier / "run.json").write_text("{}", encoding="utf-8")
    make = {
        "folder": lambda: earlier.rename(run),
        "link": lambda: run.symlink_to(earlier),
        "file": lambda: run.write_text("", encoding="utf-8"),
        "nothing": lambda: None,
    }
    make[kind]()
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert not run.exists()
    assert not run.is_symlink()
    assert (earlier / "run.json").exists() == (kind != "folder")


def test_a_fork_never_runs_on_the_runner():
    guard = GITHUB["jobs"]["gate"]["if"]
    assert guard == (
        "github.event_name != 'pull_request' || github.event.pull_request.head.repo.full_name == github.repository"
    )
    assert "pull_request_target" not in GITHUB[True], "it would run a fork's code with this repository's rights"
    never = GITLAB["gate"]["rules"][0]
    assert never["when"] == "never"
    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID != $CI_MERGE_REQUEST_PROJECT_ID" in never["if"]


def test_another_base_branch_is_gated_anew():
    assert {"opened", "synchronize", "reopened", "edited"} <= {*GITHUB[True]["pull_request"]["types"]}
    for job in GITHUB["jobs"].values():
        assert "event.action" not in job["if"], "a job that is skipped for an edit counts as passed"


def test_a_skipped_gate_is_not_green():
    green = GITHUB["jobs"]["gate-is-green"]
    assert green["needs"] == "gate"
    assert green["if"] == "always()"
    assert green["steps"] == [{"run": 'test "${{ needs.gate.result }}" = success'}]


def test_a_fork_that_was_not_gated_is_red():
    red = GITLAB["fork-was-not-gated"]
    assert red["rules"] == [{"if": GITLAB["gate"]["rules"][0]["if"]}]
    assert red["script"][0].endswith("exit 1")
    assert "tags" not in red, "it needs no runner of ours"


def test_one_measurement_at_a_time_and_none_is_cancelled_by_another_branch():
    group = "gate-${{ github.event.pull_request.number || github.sha }}"
    assert GITHUB["concurrency"] == {"group": group, "cancel-in-progress": True}
    assert "merge_group" in GITHUB[True]
    assert GITLAB["gate"]["resource_group"] == "gpu-runner"


@pytest.mark.parametrize("place", ["github", "gitlab"])
def test_what_was_measured_is_kept_whatever_the_verdict(place):
    kept = GITHUB["jobs"]["gate"]["steps"][-1] if place == "github" else GITLAB["gate"]["artifacts"]
    assert (kept.get("if") or kept["when"]) in ("always()", "always")
    paths = kept["with"]["path"].split() if place == "github" else kept["paths"]
    assert "gate-run/" in paths
