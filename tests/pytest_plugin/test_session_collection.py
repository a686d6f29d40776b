"""What a session collects, refuses and tells of its cases, without a session of its own."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from plugin_items import copied, item_of, report_of
from plugin_sessions import called, suite_in

from vitcnn import LatencyCase
from vitcnn.architectures import architecture, architectures
from vitcnn.errors import UserError
from vitcnn.pytest_plugin import hooks, pytest_cmdline_main, pytest_configure
from vitcnn.pytest_plugin.gating import GATE
from vitcnn.pytest_plugin.hooks import without_family
from vitcnn.pytest_plugin.ledger import RESUMED, ROW

CASE = LatencyCase(architecture="lenet", px=28, batch=1)


@pytest.fixture
def suite_of(tmp_path):
    return lambda **how: suite_in(tmp_path, **how)


def collectable(name, **how):
    """Return an item that keeps the markers that it is given."""
    found = item_of(name, **how)
    found.given = []
    found.add_marker = lambda marker, append: found.given.append((marker.kwargs, append))
    return found


def collected(suite, *items):
    kept = list(items)
    suite.pytest_collection_modifyitems(kept)
    return [item.nodeid.partition("::")[2] for item in kept]


def outcomes(suite):
    return {case.id.partition("::")[2] or case.id: case.outcome for case in suite.ledger.results()}


def test_cases_get_the_clock_of_the_device_and_the_group_of_their_question_unless_they_name_others(suite_of):
    suite, bee, plain = suite_of(), collectable("test_bee[b]", case=CASE), collectable("test_p", measures=False)
    marked = collectable("test_cat", marks=[SimpleNamespace(name="benchmark", kwargs={"group": "mine"})])
    assert collected(suite, bee, marked, plain) == ["test_bee[b]", "test_cat", "test_p"]
    timer = suite.options.device.timer
    assert bee.given == [({"timer": timer, "group": "latency"}, False)]
    assert marked.given == [({"timer": timer, "group": "mine"}, False)]
    assert plain.given == []
    assert outcomes(suite) == {"test_ant": "not_run", str(CASE): "not_run", "test_cat": "not_run"}


def test_a_group_of_the_users_own_benchmarks_is_theirs(suite_of):
    own = collectable("test_own")
    collected(suite_of(), own)
    assert own.given[0][0]["group"] == "own"


@pytest.mark.parametrize(
    "asked, measures, expected", [("auto", True, "short"), ("long", True, "long"), ("auto", False, "auto")]
)
def test_tracebacks_of_cases_are_short_unless_asked_for(suite_of, asked, measures, expected):
    suite = suite_of()
    suite.config.option.tbstyle = copied(asked)
    collected(suite, collectable("test_bee", measures=measures))
    assert suite.config.option.tbstyle == expected


def test_a_rerun_measures_what_is_requested_alone(suite_of):
    suite = suite_of(request=SimpleNamespace(cases=frozenset([str(CASE)])))
    wanted = collectable("test_bee[b]", case=CASE)
    assert collected(suite, wanted, collectable("test_cat"), collectable("test_p", measures=False)) == ["test_bee[b]"]
    assert outcomes(suite)["test_cat"] == "deselected"
    assert suite.config.hook.told == [("deselected", ["test_mini.py::test_cat", "test_mini.py::test_p"])]


@pytest.mark.parametrize("request_", [None, SimpleNamespace(cases=None)])
def test_a_session_measures_all_where_nothing_else_is_requested(suite_of, request_):
    suite = suite_of(request=request_)
    assert collected(suite, collectable("test_bee"), collectable("test_p", measures=False)) == ["test_bee", "test_p"]
    assert suite.config.hook.told == []


class Resumed:
    def require_collected(self, ids):
        if [*ids] != ["test_mini.py::test_bee"]:
            raise UserError(field="--resume", value="x", allowed="a run of the same suite", do="Do.")


def test_a_run_of_another_suite_is_not_resumed(suite_of):
    assert collected(suite_of(resumed=Resumed()), collectable("test_bee")) == ["test_bee"]
    with pytest.raises(pytest.UsageError, match="a run of the same suite"):
        collected(suite_of(resumed=Resumed()), collectable("test_cat"))


def asking(name):
    return SimpleNamespace(definition=SimpleNamespace(nodeid=f"test_mini.py::{name}"))


def test_a_test_without_cases_is_not_collected_and_pytest_does_not_count_it(suite_of, monkeypatch):
    suite, reporter = suite_of(), SimpleNamespace(_numcollected=5)
    suite.config.pluginmanager.get_plugin = {"terminalreporter": reporter}.get
    monkeypatch.setattr(
        hooks,
        "parametrize",
        lambda metafunc, options: metafunc.definition.nodeid.endswith(options.device.name.replace("cpu", "cat")),
    )
    for name in ("test_bee", "test_cat", "test_dog", "test_emu"):
        suite.pytest_generate_tests(asking(name))
    names = ("test_bee[NOTSET]", "test_cat[a]", "test_bees", "test_dog[NOTSET]", "test_emu[NOTSET]")
    assert collected(suite, *map(collectable, names)) == ["test_cat[a]", "test_bees"]
    assert reporter._numcollected == 2


def test_a_test_without_cases_is_left_out_whatever_its_folder_is_called(suite_of, monkeypatch):
    suite = suite_of()
    monkeypatch.setattr(hooks, "parametrize", lambda _metafunc, _options: False)
    suite.pytest_generate_tests(asking("a[1]/test_mini.py::test_bee"))
    names = ("a[1]/test_mini.py::test_bee[NOTSET-b[0]]", "a[1]/test_mini.py::test_bees[a]")
    assert collected(suite, *map(collectable, names)) == ["a[1]/test_mini.py::test_bees[a]"]


def test_every_case_is_entered_before_others_leave_some_out(suite_of):
    suite = suite_of()
    hook = called(suite, pytest_collection_modifyitems=lambda items: items.clear())
    hook.pytest_collection_modifyitems(session=None, config=None, items=[collectable("test_bee")])
    assert outcomes(suite) == {"test_ant": "not_run", "test_bee": "not_run"}


def test_what_was_left_out_is_entered_with_who_left_it_out(suite_of, monkeypatch):
    suite, items = suite_of(), [item_of(name) for name in ("test_ant", "test_bee", "test_cat")]
    suite.config.option.deselect = ["test_mini.py::test_bee"]
    suite.ledger.collect(items)
    monkeypatch.setattr(hooks, "left_out_by_expression", lambda items, config: items[1:] if config.option else [])
    suite.pytest_deselected(items)
    assert {case.id.partition("::")[2]: case.reason for case in suite.ledger.results()} == {
        "test_ant": "left out by a plugin or a conftest",
        "test_bee": "left out by --deselect",
        "test_cat": "left out by -k or -m",
    }


@pytest.mark.parametrize(
    "asked, collect, is_counted",
    [(True, False, True), (False, False, False), (True, True, False), (False, True, False)],
)
def test_instructions_are_counted_where_that_was_asked_for_before_cases_are_measured(
    suite_of, monkeypatch, asked, collect, is_counted
):
    suite, seen = suite_of(count_instructions=asked, collect=collect), []
    monkeypatch.setattr(hooks, "count_instructions", lambda items, config: seen.append((*items, config)))
    suite.pytest_collection_finish(SimpleNamespace(items=["an item"]))
    assert seen == ([("an item", suite.config)] if is_counted else [])


def test_cases_that_are_refused_fail_the_collection_with_the_message_alone(suite_of, monkeypatch):
    def refuses(_metafunc, _options):
        raise UserError(field="px", value=3, allowed="28", do="Correct it.")

    monkeypatch.setattr(hooks, "parametrize", refuses)
    with pytest.raises(pytest.fail.Exception, match="px: 3 cannot be used") as failed:
        suite_of().pytest_generate_tests(asking("test_bee"))
    assert (failed.value.pytrace, failed.value.__context__) == (False, None)


def reported(suite, item, when):
    hook = called(suite, pytest_runtest_makereport=lambda item: report_of(item, when))
    return hook.pytest_runtest_makereport(item=item, call=None)


def test_a_report_on_a_case_says_how_it_ended_and_its_row_is_kept_once(suite_of):
    suite, item = suite_of(), item_of("test_ant")
    item.stash[ROW] = {"data": [0.5]}
    reports = [reported(suite, item, when) for when in ("setup", "call", "teardown")]
    assert [report.vitcnn["id"] for report in reports] == ["test_mini.py::test_ant"] * 3
    assert (suite.ledger.benchmarks, suite.ledger.resumed) == ([{"data": [0.5]}], [])


def test_a_report_on_a_case_of_an_interrupted_run_says_so(suite_of):
    suite, item = suite_of(), item_of("test_ant")
    item.stash[ROW], item.stash[RESUMED] = {"data": [0.5]}, 12.5
    reported(suite, item, "call")
    assert suite.run.resumed == ("test_mini.py::test_ant",)


def test_a_report_on_another_test_is_pytests_own(suite_of):
    suite = suite_of()
    assert not hasattr(reported(suite, item_of("test_p", measures=False), "call"), "vitcnn")
    reported(suite, item_of("test_ant"), "call")
    assert suite.ledger.benchmarks == []


@pytest.mark.parametrize("gate, expected", [("on", 8), (None, 0)])
def test_a_run_says_how_many_more_its_gate_may_measure(suite_of, gate, expected):
    assert suite_of(gate=gate).run.more_runs == expected


@pytest.mark.parametrize("asked, expected", [("on", pytest.ExitCode.TESTS_FAILED), (None, pytest.ExitCode.OK)])
def test_a_session_asked_to_be_judged_is_red_without_a_gate_even_if_the_option_is_dropped(asked, expected):
    options = {"--gate": asked}
    steps = pytest_cmdline_main(SimpleNamespace(getoption=options.get, stash=pytest.Stash()))
    next(steps)
    options.clear()
    with pytest.raises(StopIteration) as ended:
        steps.send(pytest.ExitCode.OK)
    assert ended.value.value == expected


def test_the_gate_is_where_the_end_of_the_session_finds_it(suite_of):
    suite = suite_of()
    assert suite.config.stash[GATE] is suite.gate


def test_without_pytest_benchmark_nothing_runs():
    with pytest.raises(pytest.UsageError, match="pytest-benchmark is switched off"):
        pytest_configure(SimpleNamespace(option=SimpleNamespace()))


def test_own_models_without_a_family_are_named(monkeypatch):
    mine = replace(architecture("lenet"), name="mine", family="other", file="mine.py")
    monkeypatch.setitem(architectures(), "mine", mine)
    monkeypatch.setitem(architectures(), "known", replace(mine, name="known", family="cnn"))
    assert without_family(["lenet", "known"]) == []
    (line,) = without_family(["lenet", "mine", "known"])
    assert line.startswith("mine: no family is set")
    assert without_family(["mine", "mine"])[0].startswith("mine, mine: ")
