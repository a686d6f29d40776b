import re
from dataclasses import replace
from pathlib import Path

import pytest
from record_builders import LATENCY, ended, passed, run_on
from store_builders import recording, write

from vitcnn.commands import offline
from vitcnn.commands.offline import judge_files, run_files
from vitcnn.gate.baseline import baseline_of
from vitcnn.gate.remeasure import IN_COMPANY, judge_with_reruns
from vitcnn.processes.fresh import UNJUDGED

LENET, TINY = "latency/lenet/28/b1/fp32/eager", "latency/vit_tiny/28/b1/fp32/eager"
NOISY_S = (0.97, 1.0, 1.03, 0.99, 1.01)


def test_a_file_is_itself_and_a_run_comes_with_all_its_reruns_in_turn(tmp_path):
    for number in (10, 2, 1):
        (tmp_path / f"rerun-{number}").mkdir()
    names = ["run.json", "rerun-1/run.json", "rerun-2/run.json", "rerun-10/run.json"]
    assert run_files(tmp_path) == [tmp_path / name for name in names]
    assert run_files(tmp_path / "run.json") == [tmp_path / name for name in names]
    assert run_files(tmp_path / "saved.json") == [tmp_path / "saved.json"]


@pytest.mark.parametrize("again_s, kind", [(1.0, "SAME"), (1.2, "WORSE")])
def test_a_folder_with_reruns_gives_the_verdicts_of_the_gate_that_made_them(tmp_path, again_s, kind):
    days = [run_on(day, passed(LENET, value), passed(TINY, value)) for day, value in enumerate(NOISY_S, 1)]
    for day, stored in enumerate(days, 1):
        write(tmp_path / "store" / f"000{day}_first.json", stored)
    out, made = tmp_path / "out", []

    def measure(_cases, number, blocks):
        lenet = passed(LENET, 1.0) if number == IN_COMPANY else ended(LENET, "deselected")
        found = [run_on(20, lenet, passed(TINY, again_s + 0.002 * extra)) for extra in (number, 0)][: len(blocks)]
        for second, rerun in enumerate(found):
            rerun = replace(rerun, started=f"2026-01-20T09:{number:02}:{second:02}+00:00")
            made.append(write(out / f"rerun-{len(made) + 1}" / "run.json", rerun))
        return found

    first = replace(run_on(20, passed(LENET, 1.0), passed(TINY, 1.2)), more_runs=8)
    write(out / "run.json", first)
    online, _runs = judge_with_reruns(first, baseline_of([recording("first", *days)]), measure, reruns=2)
    offline = judge_files(run_files(out), tmp_path / "store")
    assert made
    assert offline.verdicts == online.verdicts
    assert {verdict.case: verdict.kind for verdict in offline.verdicts}[TINY] == kind
    assert offline.remarks[0].startswith("Measured again: ")
    assert offline.remarks[0].endswith(f" in {len(made)} more runs.")
    verdict, *_ = judge_files([out / "run.json"], tmp_path / "store").verdicts
    assert verdict.kind == "INVALID"
    assert f"{TINY} is undecided by 0 of the 8 runs in which the gate may measure it again" in verdict.reason


@pytest.mark.parametrize(
    "more_runs, whole, is_missing", [(2, False, False), (3, False, True), (3, True, False), (1, False, False)]
)
def test_a_case_that_all_runs_leave_undecided_is_so_and_not_invalid(tmp_path, more_runs, whole, is_missing):
    """Runs of the whole suite end what suspects had to be measured again for, however few that were."""
    for day, value in enumerate((1.00, 1.05, 0.95, 1.04, 0.96), 1):
        write(tmp_path / "store" / f"000{day}_first.json", run_on(day, passed(LENET, 1.0), passed(TINY, value)))
    out = tmp_path / "out"
    write(out / "run.json", replace(run_on(20, passed(LENET, 1.0), passed(TINY, 1.16)), more_runs=more_runs))
    for number, seconds in enumerate((1.05, 1.14), 1):
        lenet = passed(LENET, 1.0) if whole and number == 2 else ended(LENET, "deselected")
        rerun = replace(run_on(20, lenet, passed(TINY, seconds)), started=f"2026-01-20T09:0{number}:00+00:00")
        write(out / f"rerun-{number}" / "run.json", rerun)
    verdicts = judge_files(run_files(out), tmp_path / "store").verdicts
    assert "INCONCLUSIVE" in {verdict.kind for verdict in verdicts}
    invalid = [verdict.reason for verdict in verdicts if verdict.kind == "INVALID"]
    said = f"{TINY} is undecided by 2 of the {more_runs} runs in which the gate may measure it again. Keep the folders"
    assert [reason.startswith(said) for reason in invalid] == [True] * is_missing


def test_runs_of_the_whole_suite_that_the_gate_made_cannot_be_left_out(tmp_path):
    for day in range(1, 6):
        write(
            tmp_path / "store" / f"000{day}_first.json", run_on(day, passed(LENET, 1.0), passed(TINY, 1 + day / 1000))
        )
    out = tmp_path / "out"
    write(out / "run.json", replace(run_on(20, passed(LENET, 1.0), passed(TINY, 1.5)), more_runs=2))
    for number in (1, 2):
        alone = run_on(20, ended(LENET, "deselected"), passed(TINY, 1 + number / 1000))
        write(out / f"rerun-{number}" / "run.json", replace(alone, started=f"2026-01-20T09:0{number}:00+00:00"))
    verdict, *_ = judge_files(run_files(out), tmp_path / "store").verdicts
    assert verdict.kind == "INVALID"
    assert f"{TINY} is another in the whole suite than alone, and the gate measures the whole suite" in verdict.reason


def test_a_rerun_that_was_stopped_cannot_be_left_out(tmp_path):
    write(tmp_path / "store" / "0001_first.json", run_on(1, passed(LENET, 1.0)))
    write(tmp_path / "out" / "run.json", run_on(20, passed(LENET, 1.0)))
    (tmp_path / "out" / "rerun-1").mkdir()
    (verdict,) = judge_files(run_files(tmp_path / "out"), tmp_path / "store").verdicts
    assert verdict.kind == "INVALID"
    assert verdict.reason.startswith(str(Path(tmp_path, "out/rerun-1/run.json")))


def test_a_run_whose_gate_was_cut_short_is_not_judged(tmp_path):
    write(tmp_path / "store" / "0001_first.json", run_on(1, passed(LENET, 1.0)))
    write(tmp_path / "out" / "run.json", run_on(20, passed(LENET, 1.0)))
    assert not judge_files(run_files(tmp_path / "out"), tmp_path / "store").is_invalid
    (tmp_path / "out" / UNJUDGED).touch()
    for files in (run_files(tmp_path / "out"), [tmp_path / "out" / "run.json"]):
        (verdict,) = judge_files(files, tmp_path / "store").verdicts
        assert verdict.kind == "INVALID"
        assert f"{tmp_path / 'out'}: the gate was cut short" in verdict.reason


@pytest.mark.parametrize(
    "other, what",
    [
        (run_on(20, passed(LENET, 1.0)), r"is the same run as .*/0\.json"),
        (run_on(21, passed(LENET, 1.1)), "runs of two days are not judged together"),
        (
            run_on(20, passed(LENET, 1.1), selection=LATENCY),
            r"is of another part of the suite \(-k 'latency'\) than .*/0\.json \(all of it\)",
        ),
        (run_on(20, passed(LENET, 1.1), git_commit="b" * 40), "has another revision, bbbbbbb, not "),
        (run_on(20, passed(LENET, 1.1), git_dirty=True), "has another revision, .* with uncommitted changes"),
        (replace(run_on(20, passed(LENET, 1.1)), started="9026-01-01T08:00:00+00:00"), "lies in the future"),
        (replace(run_on(20, passed(LENET, 1.1)), started=""), "is not a date"),
        (run_on(20, ended(LENET, "deselected")), "measured none of the cases"),
    ],
)
def test_what_was_not_measured_together_is_not_judged_together(tmp_path, other, what):
    write(tmp_path / "store" / "0001_first.json", run_on(1, passed(LENET, 1.0)))
    files = [
        write(tmp_path / f"{number}.json", each) for number, each in enumerate((run_on(20, passed(LENET, 1.0)), other))
    ]
    (verdict,) = judge_files(files, tmp_path / "store").verdicts
    assert verdict.kind == "INVALID"
    assert verdict.reason.startswith(str(files[1]))
    assert re.search(what, verdict.reason), verdict.reason


@pytest.mark.parametrize("began, kind", [("20:00:00", "SAME"), ("20:00:01", "INVALID")])
def test_a_session_is_of_twelve_hours(tmp_path, began, kind):
    write(tmp_path / "store" / "0001_first.json", run_on(1, passed(LENET, 1.0)))
    runs = [
        run_on(20, passed(LENET, 1.0)),
        replace(run_on(20, passed(LENET, 1.01)), started=f"2026-01-20T{began}+00:00"),
    ]
    files = [write(tmp_path / f"{number}.json", each) for number, each in enumerate(runs)]
    (verdict,) = judge_files(files, tmp_path / "store").verdicts
    assert verdict.kind == kind


def test_of_a_folder_with_the_stores_of_several_devices_that_of_the_run_judges(tmp_path):
    ours = write(tmp_path / "run.json", run_on(20, passed(LENET, 1.0)))
    write(
        tmp_path / "store" / "nvidia-h200" / "0001_first.json", run_on(2, passed(LENET, 9.0), device_key="nvidia-h200")
    )
    write(tmp_path / "store" / "cpu-test-1t" / "0001_first.json", run_on(1, passed(LENET, 1.0)))
    assert [verdict.kind for verdict in judge_files([ours], tmp_path / "store").verdicts] == ["SAME"]


def test_what_judges_is_named_with_what_of_it_no_commit_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(offline, "with_uncommitted", lambda judged_by, store: f"{judged_by}, all of {store.name} new")
    ours = write(tmp_path / "run.json", run_on(20, passed(LENET, 1.0)))
    write(tmp_path / "store" / "cpu-test-1t" / "0001_first.json", run_on(1, passed(LENET, 1.0)))
    found = judge_files([ours], tmp_path / "store").judged_by
    assert found.startswith("the baseline ")
    assert found.endswith(", all of cpu-test-1t new")


def test_where_nothing_is_stored_for_the_device_that_is_said(tmp_path):
    ours = write(tmp_path / "run.json", run_on(20, passed(LENET, 1.0)))
    (verdict,) = judge_files([ours], tmp_path / "store").verdicts
    assert (verdict.kind, verdict.reason) == (
        "INVALID",
        f"{tmp_path / 'store'}: there is no baseline for cpu-test-1t here. "
        "Record one with `vitcnn baseline record` and commit it.",
    )


def test_counts_alone_are_judged_where_that_is_asked_for(tmp_path):
    write(tmp_path / "store" / "0001_first.json", run_on(1, passed(LENET, 1.0)))
    ours = write(tmp_path / "run.json", run_on(20, passed(LENET, 9.0)))
    (verdict,) = judge_files([ours], tmp_path / "store", counts_only=True).verdicts
    assert verdict.reason == "nothing was judged: no case has a metric to judge"
