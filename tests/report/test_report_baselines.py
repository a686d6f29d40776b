import math
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_builders import LATENCY, accuracy, ended, latency, measurement, memory, passed, run_on
from store_builders import recording

from vitcnn.report.baselines import between_runs, cases, overview, recorded

E_TWICE = (1.0, math.e, math.e**2)
"""Their logarithms are 0, 1 and 2: standard deviation 1."""


def records(*runs):
    return [latency("lenet", *samples) for samples in runs]


def cells(line):
    return re.split(r"  +", line.strip())


def test_the_spread_is_that_of_the_logarithms_of_the_runs_medians():
    inside_runs = [(value / 100, value, value * 50) for value in E_TWICE]
    assert between_runs(records(*inside_runs), "latency_s") == pytest.approx(1.0)
    assert between_runs(records((0.98,), (1.02,)), "latency_s") == pytest.approx(0.04 / math.sqrt(2), rel=1e-3)


@pytest.mark.parametrize("runs", [[(1.0, 2.0)], [], [(0.0,), (1.0,)], [(-1.0,), (1.0,)]])
def test_of_one_run_and_of_what_is_not_positive_there_is_no_spread(runs):
    assert between_runs(records(*runs), "latency_s") is None


@given(seconds=st.lists(st.floats(1e-6, 1e3), min_size=2, max_size=6), unit=st.sampled_from([1e-3, 1e3]))
def test_the_spread_does_not_depend_on_the_unit(seconds, unit):
    here = between_runs(records(*([value] for value in seconds)), "latency_s")
    there = between_runs(records(*([value * unit] for value in seconds)), "latency_s")
    assert here == pytest.approx(there, abs=1e-9)


def test_what_was_recorded_is_told_with_its_spread_and_what_to_do_next():
    runs = [
        run_on(1, passed("a", value), passed("b", 1.0), passed("c", value**2), ended("d", "skipped", "no data"))
        for value in (0.98, 1.02)
    ]
    lines = recorded(recording("v1", *runs)).splitlines()
    assert lines == [
        "Recorded v1 on cpu-test-1t: 2 runs, 3 cases, 1 skipped.",
        "  v1",
        "  v1",
        "Spread between runs, of 3 timed cases: median 2.8 %, largest 5.7 % (c).",
        "To compare later runs with it in CI, commit it and its answers: git add . && git commit",
    ]


def test_a_dirty_tree_and_a_spread_that_is_not_known_are_told():
    text = recorded(recording("v1", run_on(1, memory("lenet", parameters=7), git_dirty=True)))
    assert "1 run, 1 case, 0 skipped." in text
    assert "The spread between runs is not known" in text
    assert "Warning: the working tree had changes" in text


def test_the_overview_has_a_row_for_each_recording_of_each_device():
    clean = {"git_commit": "1a2b3c4d", "git_dirty": False}
    old = recording("old", run_on(2, passed("a"), **clean), run_on(2, passed("a"), passed("b"), **clean))
    new = recording(
        "new",
        run_on(5, passed("a"), selection=LATENCY, git_commit="9f8e7d6c", git_dirty=True, driver="580.65"),
        run_on(5, passed("a"), selection=LATENCY, git_commit="9f8e7d6c", git_dirty=True, driver="590.01"),
    )
    text = overview({"cpu-x": [old], "nvidia-y": [new]}, datetime(2026, 1, 5, 9, tzinfo=UTC))
    first, second = text.splitlines()[2:]
    versions = ("2.15.0", "-", "3.11.0")
    assert cells(first) == ["cpu-x", "old", "2", "2026-01-02, 3 days ago", "2", "1a2b3c4", *versions, "smoke: whole"]
    assert cells(second) == [
        "nvidia-y",
        "new",
        "2",
        "2026-01-05, today",
        "1",
        "9f8e7d6-dirty",
        "2.15.0",
        "580.65, 590.01",
        "3.11.0",
        "smoke: -k 'latency'",
    ]


def test_each_metric_of_each_case_has_its_median_its_spread_and_its_source():
    trained = [accuracy("lenet", right=[[1, 0]], seconds=value) for value in E_TWICE]
    whole = recording(
        "whole", *(run_on(1, passed("a", 0.002), case, ended("b", "skipped", "no data")) for case in trained)
    )
    partial = recording("partial", run_on(2, passed("a", 0.003), selection=LATENCY))
    *rows, last, more = cases([whole, partial]).splitlines()[2:]
    assert list(map(cells, rows)) == [
        ["a", "latency_s", "3.00 ms", "-", "1", "partial"],
        [trained[0].case, "test_accuracy", "0.500", "0 %", "3", "whole"],
        [trained[0].case, "training_time_s", "2.72 s", "100 %", "3", "whole"],
    ]
    assert last == "Not measured: b: no data"
    assert more == "--all shows counts and figures that are not judged, too."


def test_a_case_shows_what_the_gate_sets_a_new_run_beside():
    """Of times the geometric mean of the runs' medians, of scores the mean of all seeds."""
    timed = [passed("a", value) for value in (0.001, 0.002, 0.032)]
    found = recording("v1", *(run_on(1, case) for case in timed))
    assert cells(cases([found]).splitlines()[2])[2] == "4.00 ms"
    trained = [accuracy("lenet", right=rights) for rights in ([[1, 1], [1, 1]], [[0, 0], [1, 1]], [[1, 1], [1, 1]])]
    found = recording("v2", *(run_on(1, case) for case in trained))
    assert cells(cases([found]).splitlines()[2])[1:3] == ["test_accuracy", "0.833"]


def test_counts_and_what_is_not_judged_are_shown_where_all_is_asked_for():
    record = latency("lenet", 0.002)
    more = [measurement(name, 3, unit="1") for name in ("operators", "images_per_s", "my_own")]
    found = recording(
        "v1", run_on(1, replace(passed("a"), record=replace(record, measurements=(*record.measurements, *more))))
    )
    shown, whole = cases([found]).splitlines()[2:], cases([found], is_whole=True).splitlines()[2:]
    assert [cells(row)[1] for row in whole] == ["latency_s", "operators", "images_per_s", "my_own"]
    assert [cells(row)[1] for row in shown[:-1]] == ["latency_s", "my_own"]
