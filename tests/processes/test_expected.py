"""What a command says before its first process begins."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from miniature import OPTIONS, Suite, set_for_processes
from record_builders import run_of

from vitcnn.device import resolve
from vitcnn.durations import Estimate
from vitcnn.processes import expected as module
from vitcnn.processes.expected import expected, plan_of_pairs, plan_of_runs
from vitcnn.processes.fresh import Request
from vitcnn.record import CaseResult

OWN = """
    import pytest

    @pytest.mark.parametrize("name", ["ant", "bee", "cat"])
    def test_case(measure, name):
        raise AssertionError("nothing is measured")
"""


@pytest.fixture
def collected(monkeypatch):
    """Return what says which estimate the collection gives."""

    def give(found):
        monkeypatch.setattr(module, "expected", lambda _arguments, _root: found)

    return give


WHOLE = Estimate(seconds={"a": 60.0, "b": 60.0}, num_cases=2, num_by={"the last run on this machine": 2})
PART = Estimate(seconds={"a": 60.0}, num_cases=2, num_by={"the last run on this machine": 1})
NOTHING = Estimate(seconds={}, num_cases=2, num_by={})
KNOWN = "2 cases take about 2 min, by the last run on this machine."


@pytest.mark.parametrize(
    "found, runs, plan",
    [
        (
            Estimate(seconds={}, num_cases=0, num_by={}),
            1,
            "The suite runs once, in a new process. How long that takes is not known.",
        ),
        (WHOLE, 5, f"The suite runs 5 times, each time in a new process. {KNOWN} All 5 runs take about 10 min."),
        (WHOLE, 1, f"The suite runs once, in a new process. {KNOWN}"),
        (PART, 2, f"The suite runs 2 times, each time in a new process. {PART.text} All 2 runs take at least 2 min."),
        (NOTHING, 2, f"The suite runs 2 times, each time in a new process. {NOTHING.text}"),
        (None, 2, "The suite runs 2 times, each time in a new process. How long that takes is not known."),
    ],
)
def test_the_plan_of_runs_says_how_many_and_how_long(collected, found, runs, plan):
    collected(found)
    assert plan_of_runs([], Path(), runs) == plan


@pytest.mark.parametrize(
    "pairs, number",
    [
        (1, "1 pair of processes."),
        (3, "3 pairs of processes."),
        (20, "3 to 20 pairs of processes, until all cases are decided; after 30 min no further pair begins."),
    ],
)
def test_the_plan_of_pairs_says_when_they_end_and_how_long_one_takes(collected, pairs, number):
    collected(WHOLE)
    plan = plan_of_pairs("base main and the head HEAD", [], Path(), least=3, most=pairs, minutes=30.0)
    compared = "The base main and the head HEAD are compared in"
    assert plan == f"{compared} {number} {KNOWN} A pair takes about 4 min."


def test_the_chosen_cases_are_collected_in_a_process_that_measures_nothing(tmp_path, monkeypatch):
    set_for_processes(monkeypatch)
    suite = Suite(tmp_path)
    suite.write("benchmarks/test_own.py", OWN)
    before = CaseResult(id="benchmarks/test_own.py::test_case[ant]", outcome="passed", wall_s=7.0)
    run = run_of(before, device_key=resolve("cpu").key)
    suite.write(".vitcnn/runs/1/run.json", json.dumps({"vitcnn": run.to_json()}))
    start = time.perf_counter()
    found = expected(["benchmarks", *OPTIONS, "-k", "ant or bee"], tmp_path)
    took_s = time.perf_counter() - start
    known = Estimate(seconds={before.id: 7.0}, num_cases=2, num_by={"the last run on this machine": 1})
    assert replace(found, before_s=0.0) == known
    assert 0.5 * took_s < found.before_s <= took_s, "each process that measures takes as long before its first case"
    assert [path.name for path in tmp_path.glob(".vitcnn/*")] == ["runs"]


def test_where_nothing_can_be_collected_nothing_is_expected(tmp_path, monkeypatch):
    set_for_processes(monkeypatch)
    assert expected(["missing", *OPTIONS], tmp_path) is None


def test_what_is_asked_of_an_older_revision_has_no_word_that_it_does_not_know():
    assert set(json.loads(Request().to_json())) == {"cases", "seed_block", "turns"}
    asked = Request(estimate_to="estimate.json")
    assert Request.from_json(asked.to_json()) == asked
