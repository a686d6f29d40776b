"""`pytest benchmarks --gate` on a scripted suite: what its options do, what it says and what it leaves.

The ways to be green while being worse, and red without cause, are the tables of tools/attacks/ (`tox -e attacks`).
"""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from scripted import BENCHMARKS, USUAL, ScriptedSuite, case, copied, usual

from vitcnn.record import load_run

ALONE = "--gate-reruns=0"
RED, GREEN = pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.OK


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> ScriptedSuite:
    """Return a suite with a baseline of five processes."""
    suite = ScriptedSuite(tmp_path_factory.mktemp("recorded"))
    for _ in range(5):
        result = suite.run("benchmarks", "--benchmark-save=first")
        assert result.exit_code == 0, result.out
    suite.script(USUAL)
    return suite


@pytest.fixture
def gated(recorded, tmp_path) -> ScriptedSuite:
    """Return a copy of the recorded suite, to change and judge."""
    return copied(recorded, tmp_path)


def verdicts(result) -> dict[str, str]:
    """Return the kind of each verdict that the terminal's table shows, by case and metric."""
    section = result.out.partition(" gate ==")[2] or result.out.partition(" baselines ==")[2]
    rows = (line.split() for line in section.splitlines())
    kinds = ("INVALID", "FAILED", "WORSE", "MISSING", "NEW", "INCONCLUSIVE", "BETTER")
    return {
        row[1].partition("::")[2].removeprefix("test_") or row[1]: row[0] for row in rows if row and row[0] in kinds
    }


def failures(path: Path) -> dict[str, str]:
    """Return the messages of the failing test cases in a JUnit XML file, by name."""
    root = ElementTree.parse(path).getroot()
    return {
        f"{test.get('classname')}.{test.get('name')}": failure.text or ""
        for test in root.iter("testcase")
        for failure in test.iter("failure")
    }


def test_the_same_again_is_green(gated):
    result = gated.run("benchmarks", "--gate", "--junitxml=junit.xml")
    assert result.exit_code == GREEN, result.out
    assert verdicts(result) == {}
    assert "GREEN" in result.out
    assert failures(gated.root / "junit.xml") == {}


def test_the_store_is_in_the_suites_folder_or_where_an_option_says(gated, tmp_path_factory):
    (gated.root / "benchmarks").rename(gated.root / "own")
    gated.write("own/test_mini.py", BENCHMARKS)
    store = gated.root / "own" / "baselines"
    for path in store.rglob("*.json"):
        path.write_text(path.read_text().replace("benchmarks/test_mini.py", "own/test_mini.py"))
    inside = gated.run("own", "--gate", out=False)
    (device,) = store.iterdir()
    outside = device.rename(tmp_path_factory.mktemp("elsewhere") / "store")
    there = gated.run("own", "--gate", "--benchmark-compare", f"--benchmark-storage=file://{outside}")
    for result in (inside, there):
        assert result.exit_code == GREEN, result.out
        assert "3 figures judged" in result.out
        assert "INTERNALERROR" not in result.out
    assert (gated.root / ".vitcnn" / ".gitignore").read_text().splitlines()[-1] == "*"


def test_a_slower_case_is_red_and_no_other_and_is_measured_again_alone(gated, monkeypatch):
    summary = gated.root / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    gated.script(usual(bee=2.2e-6))
    result = gated.run("benchmarks", "--gate", "--junitxml=junit.xml", "--benchmark-json=asked.json")
    assert result.exit_code == RED, result.out
    assert verdicts(result) == {"case[bee]": "WORSE"}
    ((name, reason),) = failures(gated.root / "junit.xml").items()
    assert name == f"gate.latency_s[{case('bee')}]"
    assert reason.startswith("WORSE: median 2.20 µs (5 runs, 2.20), baseline 2.00 µs (5 runs, 1.99-2.01): +10.0 %")
    assert "tolerance 2 %, between-run noise 0." in reason
    assert "1 failed, 3 passed" in result.out
    assert "Measured again: 1 case, in 4 more runs." in result.out
    again = {entry.id: entry.outcome for entry in load_run(result.folder / "rerun-1" / "run.json").cases}
    assert again == {case("ant"): "deselected", case("bee"): "passed", case("cat"): "deselected"}
    assert [entry.outcome for entry in load_run(gated.root / "asked.json").cases] == ["passed"] * 3
    assert len(gated.stored) == 5
    written = (result.folder / "gate.md").read_text()
    assert "WORSE" in written
    assert case("bee") in written
    assert summary.read_text() == f"before\n{written}\n"


def test_a_case_that_is_slow_beside_the_others_alone_is_red(gated):
    """The first run and the last three measure the whole suite, those between them the suspect alone."""
    gated.script(usual(cat=(0.900, 0.700, 0.700, 0.900)))
    result = gated.run("benchmarks", "--gate")
    assert result.exit_code == RED, result.out
    assert verdicts(result) == {"case[cat]": "WORSE"}
    text = " ".join(result.out.split())
    assert "together with the other cases it is slower than alone" in text
    reruns = [load_run(result.folder / f"rerun-{number}" / "run.json") for number in range(1, 6)]
    assert [len(rerun.records) for rerun in reruns] == [1, 1, 3, 3, 3]


def test_the_gate_judges_a_run_with_traces_as_any_other_and_reruns_record_none(gated):
    gated.script(usual(bee=2.2e-6))
    result = gated.run("benchmarks", "--gate", "--trace", "runs")
    assert result.exit_code == RED, result.out
    assert verdicts(result) == {"case[bee]": "WORSE"}
    assert "Measured again: 1 case, in 4 more runs." in result.out
    assert len(list(gated.root.glob("runs/**/events.out.tfevents.vitcnn"))) == 3
    rerun = load_run(result.folder / "rerun-1" / "run.json")
    assert rerun.selection == load_run(result.run_json).selection
    assert not list((result.folder / "rerun-1").glob("**/events.*"))


def test_two_modes_are_undecided_and_green(gated):
    gated.script(usual(cat=(0.900, 0.900, 0.700, 0.900, 0.700)))
    result = gated.run("benchmarks", "--gate", "--gate-reruns=1")
    assert result.exit_code == GREEN, result.out
    assert verdicts(result) == {"case[cat]": "INCONCLUSIVE"}
    assert "too noisy for a decision" in " ".join(result.out.split())


@pytest.mark.parametrize("mode, red", [("on", {"dog"}), ("allow-new", set()), ("strict", {"ant", "dog"})])
def test_what_is_faster_and_what_is_new_is_listed_and_red_by_the_mode(gated, mode, red):
    gated.script({**usual(ant=2.5e-3), "dog": (1e-3,)})
    result = gated.run("benchmarks", f"--gate={mode}", ALONE, "--junitxml=junit.xml")
    assert verdicts(result) == {"case[ant]": "BETTER", "case[dog]": "NEW"}
    assert result.exit_code == (RED if red else GREEN)
    names = {"ant": f"gate.latency_s[{case('ant')}]", "dog": f"gate.case[{case('dog')}]"}
    assert set(failures(gated.root / "junit.xml")) == {names[name] for name in red}


def test_without_a_baseline_the_whole_run_is_invalid_and_it_says_how_to_record_one(tmp_path):
    result = ScriptedSuite(tmp_path).run("benchmarks", "--gate", "--junitxml=junit.xml")
    assert result.exit_code == RED, result.out
    assert "there is no baseline for cpu-" in " ".join(result.out.split())
    assert "vitcnn baseline record" in result.out
    assert list(failures(tmp_path / "junit.xml")) == ["gate.case[the whole run]"]
    assert "nothing is measured: without a baseline, --gate cannot judge it" in result.out
    assert set(result.outcomes.values()) == {"not_run"}


def test_small_steps_are_reported_against_the_oldest_baseline(gated):
    gated.script(usual(ant=5.09e-3))
    for _ in range(2):
        gated.run("benchmarks", "--benchmark-save=second")
    gated.script(usual(ant=5.18e-3))
    result = gated.run("benchmarks", "--gate", ALONE)
    assert result.exit_code == GREEN, result.out
    text = " ".join(result.out.split())
    assert "oldest" in text
    assert "+3.6 %" in text


def test_comparing_alone_shows_verdicts_and_leaves_the_exit_status(gated):
    gated.script(usual(bee=2.2e-6))
    result = gated.run("benchmarks", "--benchmark-compare", "--junitxml=junit.xml")
    assert result.exit_code == GREEN, result.out
    assert verdicts(result) == {"case[bee]": "WORSE"}
    assert "This comparison does not affect the exit status" in result.out
    assert failures(gated.root / "junit.xml") == {}
    assert not list(result.folder.glob("rerun-*"))


def test_comparing_with_a_named_run_judges_by_it(gated):
    result = gated.run("benchmarks", "--benchmark-compare=0003")
    assert "the baseline is one run, so only the tolerance decides" in " ".join(result.out.split())
    assert "there is no baseline" in " ".join(gated.run("benchmarks", "--benchmark-compare=0009").out.split())


def test_a_stopped_session_is_not_judged_and_not_green(gated):
    gated.write("benchmarks/test_stop.py", "def test_stop(measure): raise KeyboardInterrupt")
    result = gated.run("benchmarks", "--gate")
    assert result.exit_code == pytest.ExitCode.INTERRUPTED
    assert "Not judged" in result.out
