"""How a session ends by what its hooks find: saved, judged, red, or ended at once; without a session of its own."""

import signal
from types import SimpleNamespace

import pytest
from plugin_items import item_of, report_of
from plugin_sessions import suite_in

from vitcnn.gate.verdict import Judgement, Verdict
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
    steps = suite.pytest_sessionfinish(session)
    next(steps)
    meanwhile()
    with pytest.raises(StopIteration):
        steps.send(None)
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
        suite.pytest_runtestloop() if what == "begin" else suite.pytest_runtest_logreport(report)


@pytest.mark.parametrize("how, begins", [({}, True), ({"worker": True}, False), ({"collect": True}, False)])
def test_a_session_that_measures_begins_its_journal(suite_of, how, begins):
    suite = suite_of(**how)
    suite.pytest_runtestloop()
    assert suite.ledger.journal.exists() is begins


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
