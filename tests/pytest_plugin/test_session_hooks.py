"""How a session ends by what its hooks find: saved, judged, red, or ended at once; without a session of its own."""

import signal
from types import SimpleNamespace

import pytest
from plugin_items import item_of, report_of
from plugin_sessions import called, suite_in

from vitcnn.errors import RecordError
from vitcnn.gate.verdict import Judgement, Verdict
from vitcnn.pytest_plugin import hooks
from vitcnn.pytest_plugin.measuring import CLEAN_STATE
from vitcnn.pytest_plugin.tracing import TRACING
from vitcnn.record import load_run

ExitCode = pytest.ExitCode
GREEN = Judgement(verdicts=(Verdict(kind="SAME", case="bee", reason="as before"),))
RED = Judgement(verdicts=(Verdict(kind="WORSE", case="bee", metric="latency_s", reason="slower"),))


@pytest.fixture
def suite_of(tmp_path):
    return lambda *judgement, **how: suite_in(tmp_path, *judgement, **how)


def finish(suite, status=ExitCode.OK, meanwhile=lambda: None):
    """Return the exit status of a session that ended with `status`; `meanwhile` is what others do at its end."""
    session = SimpleNamespace(exitstatus=status)
    hook = called(suite, pytest_sessionfinish=lambda: meanwhile())
    hook.pytest_sessionfinish(session=session, exitstatus=status)
    return session.exitstatus


def test_a_session_saves_its_run_before_others_write_theirs(suite_of):
    suite, seen = suite_of(GREEN), []
    finish(suite, meanwhile=lambda: seen.append(load_run(suite.ledger.run_json)))
    assert [(case.id, case.outcome) for case in seen[0].cases] == [("test_mini.py::test_ant", "not_run")]


@pytest.mark.parametrize("how", [{"worker": True}, {"collect": True}])
def test_a_worker_and_a_mere_listing_save_nothing_and_judge_nothing(suite_of, how):
    suite = suite_of(RED, **how)
    assert finish(suite) == ExitCode.OK
    assert not suite.options.out.exists()


def test_a_session_without_cases_saves_nothing(suite_of):
    suite = suite_of(GREEN)
    suite.ledger = type(suite.ledger)(suite.options.out, lambda: suite.run)
    assert finish(suite) == ExitCode.OK
    assert not suite.options.out.exists()


@pytest.mark.parametrize(
    "status, expected",
    [
        (ExitCode.OK, ExitCode.TESTS_FAILED),
        (ExitCode.NO_TESTS_COLLECTED, ExitCode.TESTS_FAILED),
        (ExitCode.TESTS_FAILED, ExitCode.TESTS_FAILED),
        (ExitCode.INTERRUPTED, ExitCode.INTERRUPTED),
        (ExitCode.INTERNAL_ERROR, ExitCode.INTERNAL_ERROR),
        (ExitCode.USAGE_ERROR, ExitCode.USAGE_ERROR),
    ],
)
def test_a_session_that_came_to_its_end_is_judged_and_no_other(suite_of, status, expected):
    suite = suite_of(RED)
    assert finish(suite, status) == expected
    is_judged = status in (ExitCode.OK, ExitCode.NO_TESTS_COLLECTED, ExitCode.TESTS_FAILED)
    assert (suite.gate.judgement is RED) == is_judged
    assert (("gate::latency_s[bee]", "failed") in suite.config.hook.told) == is_judged


def test_a_green_verdict_changes_no_status(suite_of):
    assert finish(suite_of(GREEN)) == ExitCode.OK
    assert finish(suite_of(GREEN), ExitCode.TESTS_FAILED) == ExitCode.TESTS_FAILED


def test_without_gate_a_session_is_not_judged(suite_of):
    suite = suite_of(RED, gate=None)
    assert (finish(suite), suite.gate.judgement) == (ExitCode.OK, None)


def test_a_run_that_cannot_be_saved_is_red_is_not_judged_and_says_why(suite_of, tmp_path):
    (tmp_path / "run").write_text("no folder")
    suite = suite_of(GREEN)
    assert finish(suite) == ExitCode.INTERNAL_ERROR
    assert suite.gate.judgement is None
    (fault,) = suite._faults
    assert "run/run.json could not be written" in fault
    assert "--resume" in fault


@pytest.mark.parametrize("is_written_by_others", [False, True])
def test_the_json_that_was_asked_for_is_written_where_pytest_benchmark_writes_none(
    suite_of, tmp_path, is_written_by_others
):
    asked = tmp_path / "asked.json"
    suite = suite_of(GREEN, json=asked)

    def write():
        suite.pytest_benchmark_update_json({})
        asked.write_text('{"benchmarks": [1.50]}')

    assert finish(suite, meanwhile=write if is_written_by_others else lambda: None) == ExitCode.OK
    if is_written_by_others:
        assert asked.read_text() == '{"benchmarks":[1.5]}'
    else:
        assert load_run(asked) == suite.run


def test_the_json_that_was_asked_for_and_cannot_be_written_is_red(suite_of, tmp_path):
    (tmp_path / "a_file").write_text("no folder")
    assert finish(suite_of(GREEN, json=tmp_path / "a_file" / "asked.json")) == ExitCode.INTERNAL_ERROR


@pytest.mark.parametrize("what", ["begin", "report"])
def test_a_journal_that_cannot_be_written_ends_the_session_and_says_why(suite_of, tmp_path, what):
    (tmp_path / "run").write_text("no folder")
    suite, report = suite_of(), report_of(item_of("test_ant"), "???", "failed", "crashed")
    with pytest.raises(pytest.exit.Exception, match=r"run/journal.jsonl could not be written \(.+\)\. Make room"):
        suite.pytest_runtestloop(session=None) if what == "begin" else suite.pytest_runtest_logreport(report)


@pytest.mark.parametrize("how, begins", [({}, True), ({"worker": True}, False), ({"collect": True}, False)])
def test_a_session_that_measures_begins_its_journal(suite_of, how, begins):
    suite = suite_of(**how)
    suite.options.gate = None
    assert called(suite, pytest_runtestloop=lambda: True).pytest_runtestloop(session=None)
    assert suite.ledger.journal.exists() is begins


def test_a_session_that_nothing_can_judge_ends_before_it_measures(suite_of):
    session = SimpleNamespace(shouldfail="", Failed=pytest.Session.Failed)
    with pytest.raises(pytest.Session.Failed, match="without a baseline"):
        suite_of().pytest_runtestloop(session=session)
    assert session.shouldfail


def test_a_case_that_began_and_did_not_end_was_interrupted(suite_of):
    suite = suite_of()
    suite.pytest_runtest_logstart("test_mini.py::test_ant")
    assert [case.outcome for case in suite.ledger.results()] == ["interrupted"]


@pytest.mark.parametrize("worker", [False, True])
def test_what_a_worker_measures_is_entered_where_its_reports_arrive(suite_of, worker):
    suite = suite_of(worker=worker)
    suite.pytest_runtest_logreport(report_of(item_of("test_ant"), "???", "failed", "crashed"))
    assert [case.outcome for case in suite.ledger.results()] == ["not_run" if worker else "failed"]


@pytest.mark.parametrize(
    "how, expected", [({}, ["begun"]), ({"worker": True}, []), ({"collect": True}, []), ({"gate": None}, ["begun"])]
)
def test_the_revision_is_looked_at_when_a_session_that_measures_begins(suite_of, how, expected):
    suite, seen = suite_of(**how), []
    suite.gate.begin = lambda: seen.append("begun")
    before = signal.getsignal(signal.SIGTERM)
    suite.pytest_sessionstart()
    suite.pytest_unconfigure()
    assert seen == expected
    assert signal.getsignal(signal.SIGTERM) is before


def test_sigterm_interrupts_a_session_and_does_not_cut_its_saving_off(suite_of):
    suite, seen = suite_of(GREEN), []
    before = signal.getsignal(signal.SIGTERM)
    suite.pytest_sessionstart()
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        finish(suite, meanwhile=lambda: seen.append(signal.getsignal(signal.SIGTERM)))
    finally:
        suite.pytest_unconfigure()
    assert seen == [signal.SIG_IGN]
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    "out, how, is_made",
    [(".vitcnn/runs/1", {}, True), (".vitcnn/runs/1", {"collect": True}, False), ("run", {}, False)],
)
def test_the_folder_of_runs_is_made_where_the_run_goes_there(suite_of, tmp_path, out, how, is_made):
    suite = suite_of(out=tmp_path / out, **how)
    suite.pytest_sessionstart()
    suite.pytest_unconfigure()
    assert (tmp_path / ".vitcnn" / ".gitignore").exists() is is_made


def test_where_a_run_is_measured_is_looked_at_once_as_the_session_begins(suite_of, monkeypatch):
    suite, looked = suite_of(), []
    monkeypatch.setattr(hooks, "environment", lambda device, _root: looked.append(device) or "here")
    del suite.environment
    suite.pytest_sessionstart()
    suite.pytest_unconfigure()
    assert (suite.run.environment, suite.run.environment, looked) == ("here", "here", [suite.options.device])


def test_a_thread_of_another_program_starts_a_session_without_handling_signals(suite_of, monkeypatch):
    suite, before = suite_of(), signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(hooks.threading, "current_thread", lambda: "another")
    suite.pytest_sessionstart()
    finish(suite)
    suite.pytest_unconfigure()
    assert signal.getsignal(signal.SIGTERM) is before


class Terminal:
    """Stands in for pytest's terminal: `lines` are what was written."""

    _tw = SimpleNamespace(fullwidth=100)

    def __init__(self):
        self.lines = []

    def ensure_newline(self):
        pass

    def section(self, name):
        self.lines.append(f"== {name}")

    def write_line(self, line):
        self.lines += [part for part in line.split("\n") if part]


@pytest.fixture
def told(monkeypatch):
    """Return what a session says at its end, below what others say: line by line."""
    monkeypatch.setattr(hooks, "plot_lines", lambda _run, _out: ["plots"])

    def lines(suite):
        terminal = Terminal()
        hook = called(suite, pytest_terminal_summary=lambda terminalreporter: terminalreporter.write_line("others"))
        hook.pytest_terminal_summary(terminalreporter=terminal, exitstatus=0, config=None)
        assert terminal.lines.pop(0) == "others"
        return terminal.lines

    return lines


def test_the_end_tells_what_was_measured_where_it_is_and_the_verdict(suite_of, told, tmp_path):
    suite = suite_of(RED)
    finish(suite)
    suite.config.stash[TRACING] = SimpleNamespace(finish=lambda run: [f"traces of {len(run.cases)}"])
    found = told(suite)
    json = found.index(f"JSON of this run: {tmp_path / 'run' / 'run.json'}")
    assert (found[0], found[json + 1 : json + 4]) == ("== vitcnn", ["plots", "traces of 1", "== gate"])
    assert any(line.startswith("WORSE") for line in found[json:])


def test_an_end_without_traces_and_verdict_tells_neither(suite_of, told):
    suite = suite_of(gate=None)
    finish(suite)
    assert told(suite)[-1] == "plots"


def test_a_comparison_alone_has_a_section_of_its_own(suite_of, told):
    suite = suite_of(gate=None)
    suite.config.option.benchmark_compare = True
    assert told(suite) == ["== baselines", "Not judged, because the session ended early."]


def test_nothing_is_told_of_a_session_that_measured_nothing(suite_of, told):
    suite = suite_of(collect=True)
    finish(suite)
    assert told(suite) == []


def test_a_session_that_vitcnn_asked_for_draws_no_plots(suite_of, told):
    suite = suite_of(request=SimpleNamespace(cases=None))
    finish(suite)
    assert "plots" not in told(suite)


@pytest.mark.parametrize("request_of_vitcnn, told_times", [(None, 1), (SimpleNamespace(cases=None), 0)])
def test_a_run_that_ended_early_says_how_to_go_on_to_who_started_it(suite_of, told, request_of_vitcnn, told_times):
    suite = suite_of(request=request_of_vitcnn)
    finish(suite)
    assert sum(line.endswith(f"again with --resume {suite.options.out}.") for line in told(suite)) == told_times


def test_a_run_that_was_resumed_says_so(suite_of, told):
    suite = suite_of(gate=None)
    suite.ledger.resumed.append("test_mini.py::test_ant")
    finish(suite)
    assert any(line.startswith("Resumed: 1 case taken from an earlier run") for line in told(suite))


def test_a_run_that_was_not_saved_says_so_and_names_no_json(suite_of, told, tmp_path):
    (tmp_path / "run").write_text("no folder")
    suite = suite_of(GREEN)
    finish(suite)
    found = told(suite)
    assert any("run/run.json could not be written" in line for line in found)
    assert not any(line.startswith("JSON of this run") for line in found)


def test_tables_that_cannot_be_shown_cost_neither_the_json_nor_the_verdict(suite_of, told, monkeypatch):
    def fails(*_run, **_how):
        raise RecordError("a series is cut short")

    monkeypatch.setattr(hooks, "summary", fails)
    suite = suite_of(GREEN)
    finish(suite)
    found = told(suite)
    assert "The tables cannot be shown. a series is cut short" in found
    assert "== gate" in found


def test_the_header_says_what_is_measured_what_is_resumed_and_what_was_perhaps_not_meant(suite_of, monkeypatch):
    monkeypatch.setattr(hooks, "without_family", lambda names: [f"{names[0]}: no family is set"] if names else [])
    assert suite_of().pytest_report_header() == "vitcnn: device cpu-test-1t, preset smoke, baselines store"
    resumed = SimpleNamespace(remarks=("Not measured again: 1 case",))
    suite = suite_of(resumed=resumed, architectures=("mine",))
    suite.config.option.keyword = "latency and 32"
    _, taken, keyword, family = suite.pytest_report_header().splitlines()
    assert taken == "vitcnn: Not measured again: 1 case"
    assert keyword.startswith("vitcnn: -k looks for 32 anywhere")
    assert family == "vitcnn: mine: no family is set"
    assert suite_of(architectures=("mine",), recipes=("mine",)).pytest_report_header().count("\n") == 0
    changed = suite_of(architectures=("mine",), recipes=(",epochs=1",)).pytest_report_header()
    assert changed.endswith("vitcnn: mine: no family is set"), "changes alone are of the recipe that the family chose"


def test_a_saved_run_names_its_machine_without_what_changes_from_one_reading_to_the_next(suite_of):
    found = {"cpu": {"hz_actual": [1, 0], "hz_advertised_friendly": "2 GHz", "count": 2}}
    suite = suite_of()
    suite.pytest_benchmark_update_machine_info(found)
    assert found == {"cpu": {"count": 2}, "vitcnn": suite.environment.machine()}
    suite.pytest_benchmark_update_machine_info(unknown := {})
    assert unknown == {"vitcnn": suite.environment.machine()}


def test_a_warning_of_pytest_benchmark_that_cannot_be_worded_ends_no_session(suite_of):
    def fails(config, benchmarksession, machine_info, compared_benchmark):
        raise compared_benchmark

    def compared_with(error):
        warned = []
        session = SimpleNamespace(logger=SimpleNamespace(warning=warned.append))
        hook = called(suite_of(), pytest_benchmark_compare_machine_info=fails)
        hook.pytest_benchmark_compare_machine_info(
            config=None, benchmarksession=session, machine_info={}, compared_benchmark=error
        )
        return warned

    assert compared_with(ValueError("not below")) == ["Benchmark machine_info is different from the saved run's."]
    with pytest.raises(KeyError):
        compared_with(KeyError("node"))


@pytest.mark.parametrize(
    "name, how, libraries, is_noted",
    [
        ("test_bee[b]", {"case": "a case"}, [], True),
        ("test_own", {}, [], False),
        ("test_own", {}, ["torch"], True),
        ("test_plain", {"measures": False}, ["torch"], False),
    ],
)
def test_what_is_allocated_is_noted_before_a_case_runs_and_where_torch_is_used(
    suite_of, monkeypatch, name, how, libraries, is_noted
):
    suite, item, seen = suite_of(), item_of(name, **how), []
    monkeypatch.setattr(hooks, "case_of", lambda _item: how.get("case"))
    monkeypatch.setattr(hooks, "freeze_what_is_imported", lambda: seen.append("frozen"))
    monkeypatch.setattr(hooks, "CleanState", lambda device: f"clean {device.name}")
    monkeypatch.setattr(hooks.sys, "modules", dict.fromkeys(libraries))

    def runs(pyfuncitem):
        seen.append(pyfuncitem.stash.get(CLEAN_STATE, None))
        return "ran"

    assert called(suite, pytest_pyfunc_call=runs).pytest_pyfunc_call(pyfuncitem=item) == "ran"
    assert seen == (["frozen", "clean cpu"] if is_noted else [None])
