"""Nothing that was measured is lost: by Ctrl-C, by SIGTERM, by SIGKILL."""

import signal

import pytest

from vitcnn.pytest_plugin.journal import read_journal
from vitcnn.record import load_run

WARMED_UP = """
    CALLS = []


    def warmed_up():  # later calls are inside pytest-benchmark's own loop
        CALLS.append(1)
        return len(CALLS) > 5
"""
SLEEPS = """
    import time
    from pathlib import Path


    def test_ant(measure):
        measure.time(lambda: sum(range(1000)), images=2)


    def test_bee(measure):
        {sleep}


    def test_cat(measure):
        measure.time(lambda: sum(range(1000)))
"""
SLEEP_INSIDE = 'measure.time(lambda: warmed_up() and (Path("asleep").touch(), time.sleep(60)))'
SLEEP_OUTSIDE = 'Path("asleep").touch(), time.sleep(60)'


def send(suite, number, sleep=SLEEP_INSIDE, *args):
    """Return the result of a run that is sent a signal while its second case sleeps."""
    suite.write("test_sleeps.py", WARMED_UP + SLEEPS.format(sleep=sleep))
    process, folder = suite.start(*args)
    try:
        suite.wait_for("asleep", process)
        assert [case.outcome for case in read_journal(folder / "journal.jsonl").results] == ["passed"]
        process.send_signal(number)
    except BaseException:
        process.kill()
        raise
    return suite.finish(process, folder)


@pytest.mark.parametrize("sleep", [SLEEP_INSIDE, SLEEP_OUTSIDE], ids=["in_the_timed_function", "in_the_test"])
def test_sigterm_ends_the_run_as_ctrl_c_does_and_loses_nothing(suite, sleep):
    asked = suite.root / "missing" / "folder" / "run.json"
    result = send(suite, signal.SIGTERM, sleep, f"--benchmark-json={asked}", "--benchmark-save=partial")
    assert result.exit_code == pytest.ExitCode.INTERRUPTED, result.out
    assert result.outcomes == {"test_ant": "passed", "test_bee": "interrupted", "test_cat": "not_run"}
    assert result.case("test_bee").reason == "the run was stopped while this case ran"
    assert len(result.case("test_ant").record.samples("latency_s")) >= 5
    assert result.timed == ["test_ant"]
    assert result.journal[0] == result.case("test_ant")
    saved = list(suite.root.glob("benchmarks/baselines/*/*/0001_partial.json"))
    assert [path.stat().st_size > 0 for path in (asked, *saved)] == [True, True]
    assert "JSON of this run" in result.out
    assert "To measure 2 more cases, give the same command again with --resume " in result.out
    assert "SIGTERM" in result.out


def test_sigkill_leaves_a_readable_journal(suite):
    result = send(suite, signal.SIGKILL)
    assert result.exit_code == -signal.SIGKILL
    assert not result.run_json.exists()
    (ant,) = result.journal
    assert (ant.id, ant.outcome) == ("test_sleeps.py::test_ant", "passed")
    assert len(ant.record.samples("images_per_s")) >= 5


STOPS = """
    import pytest

    def work(): return sum(range(1000))
    def test_ant(measure): measure.time(work)
    def test_bee(measure): measure.time(lambda: warmed_up() and stop())
    def test_cat(measure): measure.time(work)
"""


@pytest.mark.parametrize(
    "stop, exit_code",
    [("raise KeyboardInterrupt", pytest.ExitCode.INTERRUPTED), ('pytest.exit("no more disk", returncode=7)', 7)],
    ids=["ctrl_c", "pytest_exit"],
)
def test_stopping_inside_a_timed_function_saves_what_came_before(suite, stop, exit_code):
    suite.write("test_stops.py", f"{WARMED_UP}{STOPS}\n    def stop(): {stop}\n")
    result = suite.run("--benchmark-json=asked.json")
    assert result.exit_code == exit_code, result.out
    assert list(result.outcomes.values()) == ["passed", "interrupted", "not_run"]
    assert result.timed == ["test_ant"]
    assert result.journal == [result.case("test_ant")]
    assert "INTERNALERROR" not in result.out
    assert load_run(suite.root / "asked.json") == result.run
