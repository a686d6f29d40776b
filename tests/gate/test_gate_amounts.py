import pytest
from gate_builders import CASE
from hypothesis import given
from hypothesis import strategies as st
from record_builders import amount, count, measurement

from vitcnn.gate.amounts import judge_amount, judge_exact

MB = 1_000_000


@pytest.mark.parametrize(
    "now, kind, reason",
    [
        (61_706, "SAME", "61,706, baseline 61,706: +0, compared exactly"),
        (61_707, "WORSE", "61,707, baseline 61,706: +1, compared exactly"),
        (61_000, "BETTER", "61,000, baseline 61,706: -706, compared exactly"),
    ],
)
def test_a_count_must_be_equal(now, kind, reason):
    verdict = judge_exact(CASE, [count(61_706)] * 5, [count(now)])
    assert (verdict.kind, verdict.reason) == (kind, reason)
    assert verdict.change == pytest.approx(now / 61_706 - 1)
    assert verdict.name == f"{CASE}::parameters"


def test_a_count_of_something_says_of_what():
    verdict = judge_exact(CASE, [count(100, unit="B")], [count(1100, unit="B")])
    assert verdict.reason == "1,100 B, baseline 100 B: +1,000 B, compared exactly"


def test_of_a_count_more_can_be_better():
    more = [measurement("parameters", value, unit="1", better="higher", tolerance=0.0) for value in (1, 2)]
    assert judge_exact(CASE, more[:1], more[1:]).kind == "BETTER"


@pytest.mark.parametrize("before, now, whose", [((5, 7, 5), (5,), "baseline"), ((5,), (7, 5), "current")])
def test_runs_that_disagree_about_a_count_judge_nothing(before, now, whose):
    verdict = judge_exact(CASE, [count(value) for value in before], [count(value) for value in now])
    assert (verdict.kind, verdict.name) == ("INVALID", f"{CASE}::parameters")
    assert verdict.reason == (
        f"a count must not vary, but the {whose} runs have 5, 7. Find the reason, then record again"
    )


BASELINE = [amount(100 * MB), amount(102 * MB), amount(101 * MB)]


@pytest.mark.parametrize(
    "now, kind",
    [
        (101 * MB, "SAME"),
        (103.01 * MB, "SAME"),
        (103.03 * MB, "WORSE"),
        (99.02 * MB, "SAME"),
        (99.00 * MB, "BETTER"),
    ],
)
def test_an_amount_may_leave_the_range_of_the_baseline_by_its_tolerance(now, kind):
    assert judge_amount(CASE, BASELINE, [amount(now)]).kind == kind


def test_an_amount_says_why():
    verdict = judge_amount(CASE, BASELINE, [amount(111.1 * MB)])
    assert verdict.reason == "111 MB, baseline 101 MB (3 runs, 100-102): +10.0 %, tolerance 1 %"
    assert verdict.change == pytest.approx(0.1)
    two = judge_amount(CASE, BASELINE[:2], [amount(101 * MB)])
    assert two.reason == "101 MB, baseline 101 MB (2 runs, 100-102): +0.0 %, tolerance 1 %"
    alone = judge_amount(CASE, BASELINE[:1], [amount(110 * MB)])
    assert alone.reason == "110 MB, baseline 100 MB: +10.0 %, tolerance 1 %"


def test_of_several_current_runs_the_middle_counts():
    assert judge_amount(CASE, BASELINE, [amount(value * MB) for value in (101, 150, 101)]).kind == "SAME"


def test_nothing_is_relative_to_nothing():
    verdict = judge_amount(CASE, [amount(0)], [amount(5)])
    assert (verdict.kind, verdict.change) == ("WORSE", None)
    assert verdict.reason == "5.00 B, baseline 0 B, tolerance 1 %"
    assert judge_amount(CASE, [amount(0)], [amount(0)]).kind == "SAME"


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=5), st.integers(1, 10**12))
def test_what_lies_in_the_range_of_the_baseline_is_never_red(before, now):
    kind = judge_amount(CASE, [amount(value) for value in before], [amount(now)]).kind
    if min(before) <= now <= max(before):
        assert kind == "SAME"
    else:
        assert kind != ("WORSE" if now < min(before) else "BETTER")
