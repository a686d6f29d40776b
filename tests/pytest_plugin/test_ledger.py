"""How every collected case is accounted for, without a session."""

import json
from copy import copy
from types import SimpleNamespace

import pytest
from plugin_items import copied, item_of, report_of
from record_builders import accuracy, latency, run_of

from vitcnn import LatencyCase
from vitcnn.pytest_plugin.journal import read_journal
from vitcnn.pytest_plugin.ledger import (
    ENDING,
    RECORD,
    RESUMED,
    ROW,
    Ending,
    Ledger,
    case_id,
    case_of,
    entry_for,
    is_measured,
    left_out_by_expression,
)

CASE = LatencyCase(architecture="lenet", px=28, batch=1)
RECORDED = latency("lenet", 0.25, 0.5)
PHASES = ("setup", "call", "teardown")


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "run", run_of)


def tell(ledger, item, *reports):
    """Tell of an item's phases, as where the reports come from a worker."""
    for report in reports:
        report.vitcnn = json.loads(json.dumps(entry_for(item, report)))
        ledger.report(report)


def run_through(ledger, item, *, setup=(), call=(), teardown=()):
    """Let an item run: each phase passes where nothing else is said; after a setup that does not, nothing is called."""
    ledger.start(item.nodeid)
    tell(ledger, item, report_of(item, "setup", *setup))
    if not setup:
        tell(ledger, item, report_of(item, "call", *call))
    tell(ledger, item, report_of(item, "teardown", *teardown))


def ended(ledger):
    return {result.id.partition("::")[2]: (result.outcome, result.reason) for result in ledger.results()}


def journalled(ledger):
    return [result.id.partition("::")[2] for result in read_journal(ledger.journal).results]


def measured(name="test_ant", **how):
    item = item_of(name, **how)
    item.stash[RECORD], item.stash[ROW] = RECORDED, {"data": [0.25, 0.5]}
    return item


def test_a_case_is_what_uses_measure_and_its_id_is_the_cases_own():
    assert is_measured(item_of("test_ant"))
    assert not is_measured(item_of("test_ant", measures=False))
    assert not is_measured(SimpleNamespace(nodeid="page.md"))  # an item of another plugin's has no fixtures
    assert (case_of(item_of("test_ant[x]", case=CASE)), case_id(item_of("test_ant[x]", case=CASE))) == (CASE, str(CASE))


@pytest.mark.parametrize("item", [item_of("test_ant"), item_of("test_ant", case="a word"), item_of("test_ant", case=3)])
def test_a_benchmark_without_a_case_is_named_by_its_node(item):
    assert (case_of(item), case_id(item)) == (None, "test_mini.py::test_ant")


def test_a_benchmark_with_other_parameters_has_no_case():
    item = item_of("test_ant[3]")
    item.callspec = SimpleNamespace(params={"size": 3})
    assert (case_of(item), case_id(item)) == (None, "test_mini.py::test_ant[3]")


def test_two_cases_of_one_id_end_the_session_and_both_places_are_named(ledger):
    with pytest.raises(pytest.UsageError) as refused:
        ledger.collect([item_of("test_ant[a]", case=CASE), item_of("test_bee[a]", case=CASE)])
    assert str(refused.value) == (
        f"two cases are named {str(CASE)!r}: in test_mini.py::test_ant[a] and test_mini.py::test_bee[a]. An id is the "
        "key of a baseline: remove one from its CASES."
    )


def test_cases_are_told_in_the_order_of_collection_with_their_places(ledger):
    ledger.collect([item_of("test_bee[b]", case=CASE), item_of("TestAll::test_ant[a::b-[2]]")])
    assert [(result.id, result.place) for result in ledger.results()] == [
        (str(CASE), "test_mini.py::test_bee"),
        ("test_mini.py::TestAll::test_ant[a::b-[2]]", "test_mini.py::TestAll::test_ant"),
    ]


def test_what_has_not_ended_was_stopped_or_never_began(ledger):
    ledger.collect([item_of("test_ant"), item_of("test_bee"), item_of("test_cat")])
    run_through(ledger, measured())
    ledger.start("test_mini.py::test_bee")
    assert ended(ledger) == {
        "test_ant": ("passed", ""),
        "test_bee": ("interrupted", "the run was stopped while this case ran"),
        "test_cat": ("not_run", "the run ended before this case's turn"),
    }


def test_only_what_k_and_m_leave_out_is_no_part_of_the_run(ledger):
    items = [item_of(f"test_{name}") for name in ("ant", "bee", "cat")]
    ledger.collect(items)
    ledger.deselect(items[:2], named=["test_mini.py::test_b"], asked=items[:1])
    ledger.deselect(items[2:])
    assert ended(ledger) == {
        "test_ant": ("deselected", "left out by -k or -m"),
        "test_bee": ("skipped", "left out by --deselect"),
        "test_cat": ("skipped", "left out by a plugin or a conftest"),
    }


def test_what_deselect_names_is_skipped_even_if_k_leaves_it_out_too(ledger):
    ant = item_of("test_ant")
    ledger.collect([ant])
    ledger.deselect([ant], named=["other.py", "test_mini.py"], asked=[ant])
    assert ended(ledger) == {"test_ant": ("skipped", "left out by --deselect")}


def test_tests_that_are_no_cases_may_be_left_out_without_a_word(ledger):
    ledger.collect([item_of("test_ant")])
    ledger.deselect([item_of("test_ant", measures=False)])
    assert ended(ledger) == {"test_ant": ("not_run", "the run ended before this case's turn")}


def test_a_session_without_cases_leaves_no_journal(ledger):
    ledger.begin()
    assert not ledger.journal.parent.exists()


def test_the_journal_begins_before_the_first_case_in_the_runs_folder(ledger, tmp_path):
    ledger.collect([item_of("test_ant")])
    ledger.begin()
    assert read_journal(ledger.journal).run == run_of()
    assert (ledger.journal.parent, ledger.run_json) == (tmp_path / "run", tmp_path / "run" / "run.json")


def test_a_case_is_journalled_once_when_its_last_phase_has_ended(ledger):
    ant = measured()
    ledger.collect([ant])
    ledger.begin()
    for when, expected in zip(PHASES, ([], [], ["test_ant"]), strict=True):
        tell(ledger, ant, report_of(ant, when))
        assert journalled(ledger) == expected


def test_a_case_comes_with_its_record_the_seconds_of_its_rounds_and_of_its_whole_test(ledger):
    ant, bee = measured(), measured("test_bee")
    ledger.collect([ant, bee])
    for item in (ant, bee):
        tell(ledger, item, *(report_of(item, when, seconds=1.5) for when in PHASES))
    (first, second), journal = ledger.results(), read_journal(ledger.journal)
    assert (first.record, first.wall_s, second.wall_s) == (RECORDED, 4.5, 4.5)
    assert journal.results == (first, second)
    assert journal.times_s == {first.id: (0.25, 0.5), second.id: (0.25, 0.5)}


def test_answers_that_lie_beside_a_record_are_those_of_the_runs_folder(ledger):
    ant = measured()
    ant.stash[RECORD] = accuracy("lenet", right=[[1, 0]])
    ledger.collect([ant])
    run_through(ledger, ant)
    (result,) = ledger.results()
    assert result.record.folder == ledger.out


@pytest.mark.parametrize(
    "phases, expected",
    [
        ({"setup": ("failed", "no disk")}, ("failed", "setup: no disk")),
        ({"call": ("failed", "wrong")}, ("failed", "wrong")),
        ({"teardown": ("failed", "full")}, ("failed", "teardown: full")),
        ({"call": ("failed", "wrong"), "teardown": ("failed", "full")}, ("failed", "wrong")),
        ({"setup": ("skipped", "no data"), "teardown": ("failed", "full")}, ("skipped", "no data")),
        ({"call": ("skipped", "no data"), "teardown": ("failed", "full")}, ("skipped", "no data")),
    ],
)
def test_the_first_phase_that_does_not_pass_says_how_a_case_ended(ledger, phases, expected):
    ant = measured()
    ledger.collect([ant])
    run_through(ledger, ant, **phases)
    assert ended(ledger) == {"test_ant": expected}


def test_a_case_that_failed_keeps_its_record_and_how_long_it_took(ledger):
    ant = measured()
    ledger.collect([ant])
    ant.stash[ENDING] = Ending("diverged", "the loss is nan")
    tell(ledger, ant, *(report_of(ant, when, seconds=1.0) for when in PHASES))
    (result,) = ledger.results()
    assert (result.outcome, result.record, result.wall_s) == ("diverged", RECORDED, 3.0)


def test_a_case_that_was_skipped_took_no_time(ledger):
    ant = item_of("test_ant")
    ledger.collect([ant])
    tell(ledger, ant, report_of(ant, "setup", "skipped", "no data", seconds=1.0), report_of(ant, "teardown"))
    assert [result.wall_s for result in ledger.results()] == [None]


def test_a_case_of_an_interrupted_run_took_as_long_as_it_did_there(ledger):
    ant, bee = measured(), measured("test_bee")
    ledger.collect([ant, bee])
    ant.stash[RESUMED] = 12.5
    ledger.resumed.append(case_id(ant))
    for item in (ant, bee):
        tell(ledger, item, *(report_of(item, when, seconds=1.0) for when in PHASES))
    assert [result.wall_s for result in ledger.results()] == [12.5, 3.0]


def test_tests_that_are_no_cases_are_not_told(ledger):
    ledger.collect([item_of("test_ant")])
    for when in PHASES:
        ledger.report(report_of(item_of("test_ant"), when))
    assert ended(ledger) == {"test_ant": ("not_run", "the run ended before this case's turn")}
    assert not ledger.journal.exists()


def test_a_case_whose_worker_died_failed_and_is_journalled(ledger):
    ledger.report(report_of(item_of("test_ant"), "???", "failed", "worker 'gw0' crashed"))
    assert ended(ledger) == {"test_ant": ("failed", "worker 'gw0' crashed")}
    assert journalled(ledger) == ["test_ant"]


def test_cases_that_workers_collected_are_told_by_their_reports_alone(ledger):
    run_through(ledger, measured("test_ant[a]", case=CASE))
    assert [(result.id, result.outcome) for result in ledger.results()] == [(str(CASE), "passed")]


def crash(*lines):
    return SimpleNamespace(reprcrash=SimpleNamespace(message="\n".join(lines)))


@pytest.mark.parametrize(
    "report, expected",
    [
        ({"outcome": "passed", "xfail": "known"}, ("passed", "")),
        ({"outcome": "skipped", "xfail": "known"}, ("skipped", "marked as expected to fail: known")),
        ({"outcome": "failed", "why": "[XPASS(strict)] known"}, ("failed", "[XPASS(strict)] known")),
        ({"outcome": "skipped", "why": ("a.py", 3, "Skipped: no data")}, ("skipped", "no data")),
        ({"outcome": "skipped", "why": "Skipped: no data"}, ("skipped", "no data")),
        ({"outcome": "failed", "why": crash("the answer", "is wrong")}, ("failed", "the answer")),
        ({"outcome": "failed", "why": "no such\nfixture"}, ("failed", "no such")),
        ({"outcome": "failed", "why": "no disk", "when": "setup"}, ("failed", "setup: no disk")),
        ({"outcome": "failed", "why": crash("disk full"), "when": "teardown"}, ("failed", "teardown: disk full")),
        ({"outcome": "failed", "why": "half a pair: \ud800"}, ("failed", "half a pair: \\ud800")),
    ],
)
def test_an_entry_says_in_a_line_how_a_phase_ended(report, expected):
    item = measured()
    entry = entry_for(item, report_of(item, **report))
    assert (entry["outcome"], entry["reason"]) == expected


@pytest.mark.parametrize("when, expected", [("setup", "passed"), ("call", "not_measured"), ("teardown", "passed")])
def test_a_test_that_passes_without_measuring_did_not_pass(when, expected):
    item = item_of("test_ant")
    entry = entry_for(item, report_of(item, when))
    reason = "" if expected == "passed" else "the test did not call measure"
    assert (entry["outcome"], entry["reason"]) == (expected, reason)


@pytest.mark.parametrize("outcome", ["passed", "failed"])
@pytest.mark.parametrize("when", ["call", "teardown"])
def test_what_measuring_found_stands_whatever_the_test_made_of_it(outcome, when):
    item = measured()
    item.stash[ENDING] = Ending("out_of_memory", "no 80 GiB")
    entry = entry_for(item, report_of(item, when, outcome, "something else"))
    assert (entry["outcome"], entry["reason"]) == ("out_of_memory", "no 80 GiB")


@pytest.mark.parametrize("outcome, expected", [("passed", "disabled"), ("failed", "failed"), ("skipped", "skipped")])
def test_a_case_whose_clock_is_off_is_disabled_unless_its_test_ends_otherwise(outcome, expected):
    item = item_of("test_ant")
    item.stash[ENDING] = Ending(copied("disabled"), "nothing is timed")
    assert entry_for(item, report_of(item, "call", outcome, "something else"))["outcome"] == expected


def test_an_entry_names_the_case_and_its_place_and_the_record_travels_with_the_last_phase_alone():
    item = measured("test_ant[a]", case=CASE)
    entries = [entry_for(item, report_of(item, when)) for when in PHASES]
    assert {(entry["id"], entry["place"]) for entry in entries} == {(str(CASE), "test_mini.py::test_ant")}
    assert [entry["record"] for entry in entries] == [None, None, RECORDED.to_json()]
    assert [entry["times_s"] for entry in entries] == [[0.25, 0.5]] * 3
    assert entry_for(item_of("test_ant"), report_of(item, "call"))["times_s"] == []


@pytest.mark.parametrize(
    "keyword, markers, left_out",
    [
        ("", "", []),
        ("ant", "", ["test_bee"]),
        ("", "skipif", ["test_ant"]),
        ("ant", "skipif", ["test_ant", "test_bee"]),
        ("not ant and not bee", "", ["test_ant", "test_bee"]),
    ],
)
def test_what_k_and_m_leave_out_is_found_without_telling_anybody(request, keyword, markers, left_out):
    items = [
        pytest.Function.from_parent(request.node.parent, name=name, callobj=run_through)
        for name in ("test_ant", "test_bee")
    ]
    items[1].add_marker("skipif")
    heard, config = [], copy(request.config)
    config.option = SimpleNamespace(keyword=keyword, markexpr=markers)
    config.hook = SimpleNamespace(pytest_deselected=lambda items: heard.extend(items))
    assert [item.name for item in left_out_by_expression(tuple(items), config)] == left_out
    assert heard == []
