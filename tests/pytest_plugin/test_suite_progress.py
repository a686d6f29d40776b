import io
import os

import pytest
from miniature import PYTEST, SET
from terminals import above, below, on_terminal

from vitcnn.durations.estimate import NOTHING_KNOWN
from vitcnn.pytest_plugin.suite_progress import SuiteProgress, fitted

MINE = """
    import time

    def test_plain():
        pass

    def test_first(measure):
        measure.time(lambda: time.sleep(0.001))

    def test_second(measure, pytestconfig):
        from vitcnn.pytest_plugin.telling_time import progress_of

        progress_of(pytestconfig)(3, 36, "seed 1: 3/36 epochs, loss 0.12")
        time.sleep(0.15)
        progress_of(pytestconfig)(4, 36, "seed 1: 4/36 epochs, loss 0.11")
        print("captured")
        measure.time(lambda: time.sleep(0.001))

    def test_third(measure):
        assert False, "why"
"""


@pytest.fixture(scope="module")
def mine(new_suite):
    return new_suite({"test_mine.py": MINE})


def written_by(suite, *args):
    """Run the suite on a terminal of 100 columns."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")} | SET | {"TERM": "xterm"}
    del env["COLUMNS"]
    suite.num_runs += 1
    out = suite.root / f"out{suite.num_runs}"
    return on_terminal([*PYTEST, "--rootdir=.", "--out", str(out), *args], cwd=suite.root, env=env)


@pytest.fixture(scope="module")
def written(mine):
    return written_by(mine)


def test_pytests_own_line_is_whole(written):
    assert "\ntest_mine.py ...F" in above(written)


def test_the_line_counts_cases_and_says_what_runs(written):
    drawn = below(written)
    assert drawn[0].startswith("suite  0/3 cases, time left not known yet")
    assert any(line.startswith("suite  1/3 cases, about 5 s left | test_mine.py::test_second") for line in drawn)
    assert drawn[-1].startswith("suite  3/3 cases")


def test_the_line_has_the_words_of_what_is_measured(written):
    assert any(line.endswith("| test_mine.py::test_second seed 1: 4/36 epochs, loss 0.11") for line in below(written))


def test_the_answer_stands_below_an_empty_line(written):
    last = written.rpartition("\x1b[2K")[2]
    assert last.partition("\x1b8")[0].strip() == ""
    assert "FAILURES" in last


def test_each_test_keeps_its_own_line_under_v(mine):
    lines = above(written_by(mine, "-v")).splitlines()
    for name, word in (("plain", "PASSED"), ("first", "PASSED"), ("second", "PASSED"), ("third", "FAILED")):
        assert any(line.startswith(f"test_mine.py::test_{name} {word} ") for line in lines), lines


@pytest.mark.parametrize("args", [("-s",), ("--capture=tee-sys",), ("-o", "log_cli=true")])
def test_nothing_is_drawn_where_tests_write_to_the_terminal(mine, args):
    written = written_by(mine, *args, "-k", "second")
    assert below(written) == []
    assert "1 passed" in written


def test_without_a_terminal_nothing_is_drawn_and_the_time_is_said_before_the_first_case(new_suite):
    suite = new_suite({"test_mine.py": MINE})
    first, second = suite.run(out=False), suite.run("-k", "second or third", out=False)
    assert "\x1b" not in first.out
    assert "suite  " not in first.out
    unknown = f"vitcnn: {NOTHING_KNOWN}\n"
    assert f"\n{unknown}\ntest_mine.py" in first.out
    by = "by the last run on this machine; how long the other 1 takes is not known.\n"
    known = f"vitcnn: 1 of 2 cases takes at least 5 s, {by}"
    assert f"\n{known}\ntest_mine.py" in second.out


def report_of(nodeid, *, when="teardown", outcome="passed", seconds=60.0):
    return pytest.TestReport(nodeid, ("", None, ""), {}, outcome, None, when, duration=seconds)


def test_a_case_has_ended_after_its_last_phase_and_takes_all_of_them():
    shown = SuiteProgress(io.StringIO(), {"n": "latency/a", "m": "latency/b"}, {}, clock=lambda: 0.0)
    for when in ("setup", "call", "teardown"):
        assert shown.text() == "suite  0/2 cases, time left not known yet"
        shown.report(report_of("n", when=when))
    shown.begin("m")
    assert shown.text() == "suite  1/2 cases, about 3 min left | latency/b"


def test_what_did_not_pass_tells_nothing_of_times():
    shown = SuiteProgress(io.StringIO(), {"n": "latency/a", "m": "latency/b"}, {})
    shown.report(report_of("n", when="setup", outcome="skipped"))
    shown.report(report_of("n"))
    assert shown.text() == "suite  1/2 cases, time left not known yet"


@pytest.mark.parametrize(
    "width, shown",
    [
        (80, "accuracy/lenet/digits/digits_cnn/fp32/eager seed 1: 3/36 epochs"),
        (63, "accuracy/lenet/digits/digits_cnn/fp32/eager seed 1: 3/36 epochs"),
        (62, "accuracy/lenet ... seed 1: 3/36 epochs"),
    ],
)
def test_an_id_that_is_too_long_is_cut_before_what_happens_in_it(width, shown):
    assert fitted("accuracy/lenet/digits/digits_cnn/fp32/eager", "seed 1: 3/36 epochs", width) == shown


UNKNOWN = """
    import pytest
    from vitcnn import AccuracyCase, LatencyCase

    WRONG = [
        LatencyCase(architecture="nope", px=28, batch=1),
        AccuracyCase(architecture="lenet", task="nope", recipe="digits_cnn"),
    ]

    @pytest.mark.parametrize("case", WRONG, ids=str)
    def test_wrong(case, measure):
        measure(case)

    def test_right(measure):
        measure.time(lambda: None)
"""


def test_a_case_of_unknown_names_fails_alone_and_ends_no_estimate(new_suite):
    result = new_suite({"test_unknown.py": UNKNOWN}).run(models=True)
    assert result.exit_code == pytest.ExitCode.TESTS_FAILED, result.out
    assert list(result.outcomes.values()) == ["failed", "failed", "passed"]
    assert "was not used at all" not in result.out
