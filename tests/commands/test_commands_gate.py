import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from miniature import imported_by
from record_builders import LATENCY, ended, passed, run_on
from store_builders import write

from vitcnn.cli import main
from vitcnn.record import SCHEMA

KEY = "cpu-test-1t"
STORE = Path("baselines") / KEY
CURRENT = Path("current/run.json")

FAST, NOISY = "latency/lenet/28/b1/fp32/eager", "latency/vit_tiny/28/b1/fp32/eager"
STEADY_S, NOISY_S = (0.998, 1.0, 1.002, 0.999, 1.001), (0.97, 1.0, 1.03, 0.99, 1.01)
"""Medians of the five stored runs: the noise between processes is 0.16 and 2.2 %."""

HEAVY = ("torch", "torchvision", "timm", "peft", "sklearn", "matplotlib", "scipy.stats", "jsonschema", "pytest")


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def store(seconds=STEADY_S, case=FAST, folder=STORE, **environment):
    for day, value in enumerate(seconds, 1):
        write(folder / f"000{day}_first.json", run_on(day, passed(case, value), **environment))


def current(*cases, path=CURRENT, **others):
    return write(path, run_on(20, *cases, **others))


def gate(*options, current=(CURRENT,), baseline=STORE):
    return main(["gate", *map(str, current), "--baseline", str(baseline), *options])


def with_timer(name):
    result = passed(FAST, 1.0)
    return replace(result, record=replace(result.record, settings={**result.record.settings, "timer": name}))


RUNS = {
    "SAME": (passed(FAST, 1.001),),
    "BETTER": (passed(FAST, 0.5),),
    "WORSE": (passed(FAST, 2.0),),
    "NEW": (passed(FAST, 1.0), passed("latency/lenet/28/b16/fp32/eager", 1.0)),
    "MISSING": (passed("latency/lenet/28/b16/fp32/eager", 1.0),),
    "FAILED": (ended(FAST, "out_of_memory", "tried to allocate 2 GB"),),
    "INVALID": (with_timer("another_clock"),),
}
MODES = ("on", "allow-new", "strict")
STATUS = {
    "SAME": (0, 0, 0),
    "BETTER": (0, 0, 1),
    "INCONCLUSIVE": (0, 0, 1),
    "NEW": (1, 0, 1),
    "WORSE": (1, 1, 1),
    "MISSING": (1, 1, 1),
    "FAILED": (1, 1, 1),
    "INVALID": (3, 3, 3),
}
"""Of each kind of verdict, in each mode."""


@pytest.mark.parametrize("kind", STATUS)
def test_the_exit_status_of_each_verdict_in_each_mode(capsys, kind):
    if kind == "INCONCLUSIVE":
        store(NOISY_S, NOISY)
        current(passed(NOISY, 1.08))
    else:
        store()
        current(*RUNS[kind])
    for mode, status in zip(MODES, STATUS[kind], strict=True):
        assert gate("--mode", mode) == status, mode
        out = capsys.readouterr().out
        assert any(line.startswith(f"{kind} ") for line in out.splitlines()) == (kind != "SAME")
        assert out.splitlines()[-1].startswith("RED" if status else "GREEN")


def test_the_mode_is_on_where_none_is_named(capsys):
    store()
    current(*RUNS["BETTER"])
    assert gate() == 0
    assert ": 1 BETTER (by the baseline of cpu-test-1t)\n" in capsys.readouterr().out


def test_what_cannot_be_judged_outweighs_what_is_worse():
    store()
    for day in range(1, 6):
        write(STORE / f"000{day}_first.json", run_on(day, passed(FAST, 1.0), passed(NOISY, 1.0)))
    current(with_timer("another_clock"), passed(NOISY, 9.0))
    assert gate() == 3


def test_the_folder_above_the_devices_serves_as_well(capsys):
    store()
    store((7.0,), folder=STORE.with_name("nvidia-h200"), device_key="nvidia-h200")
    current(*RUNS["WORSE"])
    assert [gate(baseline=folder) for folder in (STORE, STORE.parent)] == [1, 1]
    first, second = capsys.readouterr().out.split("verdict")[1:]
    assert first == second


@pytest.mark.parametrize("folder", [STORE, STORE.parent])
def test_a_baseline_of_another_device_cannot_judge(capsys, folder):
    store(device_key="nvidia-h200", folder=folder / "sub")
    current(*RUNS["SAME"])
    assert gate(baseline=folder) == 3
    assert "measured on cpu-test-1t, but the baseline is of nvidia-h200" in capsys.readouterr().out


@pytest.mark.parametrize("make", [lambda: None, lambda: STORE.mkdir(parents=True)], ids=["no folder", "empty"])
def test_no_baseline_cannot_judge_and_says_where_it_was_looked_for(capsys, make):
    make()
    current(*RUNS["SAME"])
    assert gate() == 3
    out = capsys.readouterr().out
    assert f"{STORE}: there is no baseline for {KEY} here" in out
    assert "vitcnn baseline record" in out


BROKEN = {
    "cut off": (lambda text: text[:-40], "cannot be read as JSON"),
    "empty": (lambda _text: "", "cannot be read as JSON"),
    "foreign": (lambda _text: '{"benchmarks": []}', "has no top-level 'vitcnn' section"),
    "newer": (lambda text: text.replace(f'"schema": {SCHEMA}', '"schema": 99'), "schema: 99 is newer"),
    "not a number": (lambda text: text.replace("[1.0]", "[NaN]"), "a number that is not finite, or too large"),
}


@pytest.mark.parametrize("damage, message", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("broken", [STORE / "0002_first.json", CURRENT], ids=["baseline", "current"])
def test_a_file_that_cannot_be_read_is_named_and_cannot_be_judged(capsys, broken, damage, message):
    store((1.0, 1.0, 1.0))
    current(passed(FAST, 1.0))
    text = broken.read_text(encoding="utf-8")
    assert damage(text) != text
    broken.write_text(damage(text), encoding="utf-8")
    assert gate("--mode", "allow-new") == 3
    out = capsys.readouterr().out
    assert f"{broken}: " in out
    assert message in out
    assert out.splitlines()[-1] == "RED (mode allow-new): 0 figures judged, 0 undecided, 0 blind: 1 INVALID"


@pytest.mark.parametrize("missing", ["nowhere.json", "nowhere/run.json"])
def test_a_current_run_that_is_not_there_cannot_be_judged(capsys, missing):
    store()
    Path("nowhere").mkdir()
    assert gate(current=[missing.removesuffix("/run.json")]) == 3
    assert f"{missing}: there is no such file" in capsys.readouterr().out


def test_further_runs_add_to_the_first(capsys):
    store(NOISY_S, NOISY)
    current(passed(NOISY, 1.08))
    values = enumerate((1.0, 1.001, 0.999), 1)
    others = [current(passed(NOISY, value), path=Path(f"again-{number}.json")) for number, value in values]
    assert gate("--mode", "strict") == 1
    assert gate("--mode", "strict", current=[CURRENT, *others]) == 0
    assert "Measured again: 1 case, in 3 more runs." in capsys.readouterr().out


def test_one_run_given_twice_is_a_usage_error(capsys):
    store()
    current(*RUNS["SAME"])
    assert gate(current=[CURRENT, "current"]) == 2
    assert "Allowed: each run once" in capsys.readouterr().err


def test_runs_of_two_revisions_are_not_judged_together(capsys):
    store()
    current(*RUNS["SAME"], git_commit="a" * 40)
    current(*RUNS["SAME"], path=Path("other.json"), git_commit="b" * 40)
    assert gate(current=[CURRENT, "other.json"]) == 3
    assert f"other.json has another revision, bbbbbbb, not aaaaaaa as in {CURRENT}" in capsys.readouterr().out


def test_a_run_that_is_in_the_baseline_is_not_judged_by_itself(capsys):
    store()
    CURRENT.parent.mkdir()
    CURRENT.write_bytes((STORE / "0005_first.json").read_bytes())
    assert gate() == 3
    assert f"{CURRENT} is itself in the baseline, as {STORE}/0005_first.json" in capsys.readouterr().out


def test_what_the_command_line_left_out_is_not_missing_and_that_is_said(capsys):
    for day in range(1, 4):
        write(STORE / f"000{day}_first.json", run_on(day, passed(FAST, 1.0), passed("memory/lenet/x", 1.0)))
    current(passed(FAST, 1.0), ended("memory/lenet/x", "deselected"), selection=LATENCY)
    assert gate() == 0
    assert "Selected by -k 'latency': 1 of the baseline's 2 cases are judged." in capsys.readouterr().out


def test_the_verdicts_go_to_a_folder_and_to_the_summary_of_the_step(capsys, monkeypatch):
    summary = Path("summary.md")
    summary.write_text("# Before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    store()
    current(*RUNS["WORSE"])
    assert gate("--out", "new/folder") == 1
    text = Path("new/folder/gate.md").read_text(encoding="utf-8")
    assert text.startswith("## vitcnn gate: RED\n")
    assert f"| WORSE | `{FAST}` | `latency_s` | +100 % |" in text
    assert summary.read_text(encoding="utf-8") == f"# Before\n{text}\n"


def test_why_nothing_was_judged_stands_in_the_summary_too(monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    current(*RUNS["SAME"])
    assert gate() == 3
    assert "there is no baseline" in Path("summary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind, status", [("SAME", 0), ("WORSE", 1)])
def test_a_summary_that_cannot_be_written_does_not_change_the_verdict(capsys, monkeypatch, kind, status):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "no/such/folder/summary.md")
    store()
    current(*RUNS[kind])
    assert gate() == status
    assert "no/such/folder/summary.md: cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["gate"], ["gate", "run.json"], ["gate", "--baseline", "x"], ["gate", "a", "--baseline", "x", "--mode", "off"]],
)
def test_a_command_line_that_is_wrong_is_status_2(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: vitcnn gate" in capsys.readouterr().err


def test_an_out_that_is_a_file_is_a_usage_error(capsys):
    store()
    current(*RUNS["SAME"])
    assert gate("--out", str(CURRENT)) == 2
    assert "--out" in capsys.readouterr().err


def test_judging_imports_nothing_heavy():
    store()
    current(*RUNS["WORSE"])
    arguments = ["gate", str(CURRENT), "--baseline", str(STORE), "--out", "."]
    assert imported_by(f"from vitcnn.cli import main; assert main({arguments}) == 1", *HEAVY) == set()


def test_a_reader_that_stops_early_does_not_change_the_exit_status():
    store()
    current(*RUNS["WORSE"])
    arguments = ["gate", str(CURRENT), "--baseline", str(STORE)]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        code = f"import sys; from vitcnn.cli import main; sys.exit(main({arguments}))"
        done = subprocess.run([sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
