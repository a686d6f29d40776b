"""Every collected case is accounted for, with how it ended and why: one run holds every ending."""

import shlex
from dataclasses import replace

import pytest

from vitcnn.pytest_plugin.journal import read_journal
from vitcnn.record import SCHEMA
from vitcnn.record.run import OUTCOMES

ENDINGS = """
    import time

    import pytest

    WARMED_UP = 5  # calls; later ones are inside pytest-benchmark's own loop


    @pytest.fixture
    def broken_setup():
        raise OSError("no such disk")


    @pytest.fixture
    def broken_teardown():
        yield
        raise OSError("disk full")


    def work():
        return sum(range(1000))


    def raises(error, *, after=0):
        calls = []

        def run():
            calls.append(1)
            if len(calls) > after:
                raise error

        return run


    @pytest.fixture
    def slow():
        time.sleep(0.1)
        yield
        time.sleep(0.1)


    def test_passes(slow, measure):
        time.sleep(0.1)
        measure.time(work, images=4)


    def test_fails_before(measure):
        assert 1 + 1 == 3


    def test_fails_after(measure):
        measure.time(work)
        raise AssertionError("the answer is wrong")


    def test_setup(broken_setup, measure):
        measure.time(work)


    def test_teardown(measure, broken_teardown):
        measure.time(work)


    def test_skips(measure):
        pytest.skip("no data here")


    @pytest.mark.skip(reason="not on Mondays")
    def test_marked_skip(measure):
        measure.time(work)


    @pytest.mark.xfail(reason="known to be wrong")
    def test_xfails(measure):
        raise AssertionError


    @pytest.mark.xfail(reason="known to be wrong")
    def test_xpasses(measure):
        measure.time(work)


    @pytest.mark.xfail(reason="known to be wrong", strict=True)
    def test_xpasses_strictly(measure):
        measure.time(work)


    def test_never_measures(measure):
        pass


    def test_raises_inside(measure):
        measure.time(raises(KeyError("weights")))


    def test_raises_later(measure):
        measure.time(raises(StopIteration("no more"), after=WARMED_UP))


    def test_skips_inside(measure):
        measure.time(raises(pytest.skip.Exception("no such kernel")))


    def test_skips_later(measure):
        measure.time(raises(pytest.skip.Exception("no such kernel"), after=WARMED_UP))


    def test_out_of_memory(measure):
        measure.time(raises(MemoryError("Unable to allocate 80 GiB")))


    def test_swallows(measure):
        with pytest.raises(pytest.fail.Exception):
            measure.time(raises(MemoryError("Unable to allocate 81 GiB")))


    def test_measures_twice(measure):
        measure.time(work)
        measure.time(work)


    def test_exits_inside(measure):
        measure.time(raises(SystemExit(3), after=WARMED_UP))


    def test_is_no_case():
        pass


    def test_passes_at_last(measure):
        measure.time(work)
"""

EXPECTED = {
    "test_passes": ("passed", ""),
    "test_fails_before": ("failed", "assert (1 + 1) == 3"),
    "test_fails_after": ("failed", "the answer is wrong"),
    "test_setup": ("failed", "setup: OSError: no such disk"),
    "test_teardown": ("failed", "teardown: OSError: disk full"),
    "test_skips": ("skipped", "no data here"),
    "test_marked_skip": ("skipped", "not on Mondays"),
    "test_xfails": ("skipped", "known to be wrong"),
    "test_xpasses": ("passed", ""),
    "test_xpasses_strictly": ("failed", "known to be wrong"),
    "test_never_measures": ("not_measured", "did not call measure"),
    "test_raises_inside": ("failed", "KeyError: 'weights'"),
    "test_raises_later": ("failed", "StopIteration"),
    "test_skips_inside": ("skipped", "no such kernel"),
    "test_skips_later": ("skipped", "no such kernel"),
    "test_out_of_memory": ("out_of_memory", "Unable to allocate 80 GiB"),
    "test_swallows": ("out_of_memory", "Unable to allocate 81 GiB"),
    "test_measures_twice": ("failed", "one call a test"),
    "test_exits_inside": ("failed", "SystemExit: 3"),
    "test_passes_at_last": ("passed", ""),
}


@pytest.fixture(scope="module")
def result(new_suite):
    return new_suite({"test_endings.py": ENDINGS}).run("--junitxml=junit.xml")


def test_every_collected_case_is_in_the_json_in_the_order_of_collection(result):
    assert list(result.outcomes) == list(EXPECTED)
    assert set(result.outcomes.values()) <= set(OUTCOMES)
    assert result.exit_code == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("name", EXPECTED)
def test_outcome_and_reason(result, name):
    outcome, reason = EXPECTED[name]
    ended = result.case(name)
    assert ended.outcome == outcome
    assert reason in ended.reason
    assert bool(ended.reason) == (outcome != "passed")
    assert len(ended.reason) < 200, "a reason is one line, not a traceback"


def test_what_ran_says_how_long_its_whole_test_took(result):
    took_s = {case.id.partition("::")[2]: case.wall_s for case in result.run.cases}
    assert took_s["test_passes"] > 0.3  # a tenth of a second before the test, in it and after it
    assert took_s["test_fails_before"] < 0.3
    assert took_s["test_marked_skip"] is None


def test_the_journal_holds_the_same_as_the_json(result):
    assert result.journal == list(result.run.cases)
    begun = read_journal(result.folder / "journal.jsonl").run
    assert begun == replace(result.run, cases=())
    assert result.document["vitcnn"]["schema"] == SCHEMA


def test_the_reasons_are_those_that_junit_shows(result):
    junit = (result.folder.parent / "junit.xml").read_text(encoding="utf-8")
    for name in ("test_out_of_memory", "test_fails_after", "test_teardown"):
        assert EXPECTED[name][1].rpartition(": ")[2] in junit


def test_a_case_that_passed_has_its_samples(result):
    record = result.case("test_passes").record
    assert (record.status, record.settings["question"], record.settings["images"]) == ("ok", "own", 4)
    times_s, rates = record.samples("latency_s"), record.samples("images_per_s")
    assert len(times_s) == record.settings["rounds"] >= 5
    assert rates == pytest.approx([4 / seconds for seconds in times_s])


def test_an_exception_in_a_timed_function_leaves_the_other_rows_alone(result):
    """pytest-benchmark 5.3.1 would end in `min() arg is an empty sequence`, and save nothing."""
    assert "INTERNALERROR" not in result.out
    assert "empty sequence" not in result.out
    assert {"test_passes", "test_passes_at_last"} <= set(result.timed)
    assert not {name for name in result.timed if "inside" in name or "later" in name or "memory" in name}


def test_only_cases_that_passed_count_as_records(result):
    named = [record.case.partition("::")[2] for record in result.run.records]
    assert named == ["test_passes", "test_xpasses", "test_passes_at_last"]
    assert result.case("test_out_of_memory").record.status == "out_of_memory"
    assert result.case("test_out_of_memory").record.measurements == ()


def test_the_summary_counts_the_outcomes(result):
    assert "Cases: 9 failed, 1 not measured, 2 out of memory, 3 passed, 5 skipped." in result.out


CASES = """
    def test_ant(measure): measure.time(lambda: sum(range(1000)))
    def test_bee(measure): raise ValueError("stung")
    def test_cat(measure): measure.time(lambda: sum(range(1000)))
"""


@pytest.fixture
def three(suite):
    suite.write("test_three.py", CASES)
    return suite


@pytest.mark.parametrize(
    "options, exit_code, outcomes",
    [
        ("-k 'ant or bee'", 1, ("passed", "failed", "deselected")),
        ("-k nothing", 5, ("deselected", "deselected", "deselected")),
        ("--strict-markers -m 'not benchmark'", 5, ("deselected", "deselected", "deselected")),
        ("--deselect test_three.py::test_bee", 0, ("passed", "skipped", "passed")),
        ("-x", 1, ("passed", "failed", "not_run")),
        ("--maxfail=1 -k 'bee or cat'", 1, ("deselected", "failed", "not_run")),
        ("--benchmark-disable", 1, ("disabled", "failed", "disabled")),
        ("--benchmark-disable -k cat", 0, ("deselected", "deselected", "disabled")),
        ("--benchmark-skip", 0, ("skipped", "skipped", "skipped")),
    ],
    ids=lambda value: value.replace(" ", "_") if isinstance(value, str) else "",
)
def test_what_pytest_leaves_out_is_accounted_for(three, options, exit_code, outcomes):
    result = three.run(*shlex.split(options))
    assert result.exit_code == exit_code, result.out
    assert tuple(result.outcomes.values()) == outcomes
    assert all(case.reason for case in result.run.cases if case.outcome != "passed")
    assert len(result.timed) == len(result.run.records) == outcomes.count("passed")


def test_a_broken_file_beside_leaves_the_cases_not_run(three):
    three.write("test_broken.py", "import no_such_module")
    result = three.run()
    assert result.exit_code == pytest.ExitCode.INTERRUPTED
    assert set(result.outcomes.values()) == {"not_run"}


ODD = """
    import pytest


    @pytest.mark.benchmark(timer=lambda: float("nan"))
    def test_no_number(measure):
        measure.time(lambda: 1)


    @pytest.mark.benchmark(timer=lambda: 0.0)
    def test_still(measure):
        measure.time(lambda: 1)


    def test_note(measure, benchmark):
        benchmark.extra_info["note"] = float("nan")
        measure.time(lambda: sum(range(1000)))


    def test_odd_text(measure):
        raise RuntimeError("half a pair: \\ud800")


    def test_settings(measure, monkeypatch):
        from vitcnn.measuring.own_benchmark import OwnBenchmark

        plain, odd = OwnBenchmark.record, {"x": float("nan")}
        monkeypatch.setattr(OwnBenchmark, "record", lambda *a, **s: plain(*a, **s, **(odd if s else {})))
        measure.time(lambda: sum(range(1000)))


    def test_after(measure):
        measure.time(lambda: sum(range(1000)))
"""


def test_numbers_and_texts_that_json_does_not_hold_end_their_own_case_alone(suite):
    suite.write("test_odd.py", ODD)
    result = suite.run()
    assert result.exit_code == pytest.ExitCode.TESTS_FAILED, result.out
    assert "INTERNALERROR" not in result.out
    assert result.outcomes == {
        "test_no_number": "failed",
        "test_still": "failed",
        "test_note": "passed",
        "test_odd_text": "failed",
        "test_settings": "failed",
        "test_after": "passed",
    }
    assert "check the clock" in result.case("test_no_number").reason
    assert "check the clock" in result.case("test_still").reason
    assert result.case("test_settings").reason == "settings.x: a number that is not finite, or too large"
    (note,) = (row for row in result.document["benchmarks"] if row["name"] == "test_note")
    assert note["extra_info"]["note"] == "nan"
