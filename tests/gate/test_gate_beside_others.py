"""A case that is slower beside the others than alone. The baseline: five quiet runs of the whole suite around 1 s."""

import math

import pytest
from gate_builders import QUIET, medians

from vitcnn.gate.beside_others import ENOUGH_RUNS, all_in_company, in_company, slower_in_company, with_company
from vitcnn.gate.times import judge_times
from vitcnn.gate.verdict import Verdict

ALONE_BETWEEN = (False, True, True, False)


def slower(**how):
    return slower_in_company([medians(**how)])


def test_a_time_that_is_slower_in_every_whole_run_than_alone_is_so_by_the_mean_gap():
    found = slower(current=(1.3, 1.0, 1.01, 1.32), alone=ALONE_BETWEEN)
    assert found == {0: pytest.approx(1.3 / math.sqrt(1.0 * 1.01))}


def test_where_higher_is_better_a_lower_rate_is_slower():
    quiet = tuple(1 / value for value in QUIET)
    found = slower(baseline=quiet, current=(1 / 1.3, 1.0, 1.0, 1 / 1.3), alone=ALONE_BETWEEN, better="higher")
    assert found == {0: pytest.approx(1.3)}
    assert not slower(baseline=quiet, current=(1.3, 1.0, 1.0, 1.3), alone=ALONE_BETWEEN, better="higher")


@pytest.mark.parametrize(
    "current, alone",
    [
        ((1.3, 1.3, 1.3, 1.3), ALONE_BETWEEN),  # slow alone too
        ((1.3, 1.0, 1.31, 1.3), ALONE_BETWEEN),  # one run alone as slow as the slow ones
        ((1.3, 1.0, 1.0, 1.01), ALONE_BETWEEN),  # a whole run as fast as those alone
        ((1.0, 1.3, 1.3, 1.0), ALONE_BETWEEN),  # faster in company
        ((1.3, 1.29, 1.29, 1.3), ALONE_BETWEEN),  # by less than the tolerance
        ((1.3, 1.3), (False, False)),
        ((1.3, 1.3), (True, True)),
        ((1.3, 1.3), ()),
    ],
)
def test_what_is_not_certainly_slower_in_company(current, alone):
    assert slower(current=current, alone=alone) == {}


def test_what_the_noise_between_processes_explains_is_not_certain():
    noisy = (0.7, 1.3, 1.0, 0.8, 1.2)
    times = {"current": (1.2, 1.0, 1.0), "alone": (False, True, True)}
    assert slower(**times) != {}
    assert slower(baseline=noisy, **times) == {}


def test_the_error_is_that_of_one_run_against_the_mean_of_those_alone():
    """With 0.1 of noise, known well: a gap of 0.35 of logarithm is 2.9 errors of one run alone, 3.2 of ten."""
    spread = tuple(math.exp(0.1 * z) for z in (-1.5, -0.9, -0.5, -0.2, 0.0, 0.2, 0.5, 0.9, 1.5) * 6)
    gap = math.exp(0.35)
    level = 0.01
    few = slower(baseline=spread, current=(gap, 1.0), alone=(False, True))
    many = slower(baseline=spread, current=(gap, *(1.0,) * 30), alone=(False, *(True,) * 30))
    assert (bool(few), bool(many)) == (True, True)
    narrow = math.exp(0.27)
    assert not slower(baseline=spread, current=(narrow, 1.0), alone=(False, True)), f"beyond the level of {level}"
    assert slower(baseline=spread, current=(narrow, *(1.0,) * 30), alone=(False, *(True,) * 30))


def test_the_more_times_a_suite_has_the_more_certain_each_must_be():
    spread = tuple(math.exp(0.1 * z) for z in (-1.5, -0.9, -0.5, -0.2, 0.0, 0.2, 0.5, 0.9, 1.5))
    suspect = medians(baseline=spread, current=(math.exp(0.40), 1.0), alone=(False, True))
    others = [medians(baseline=spread, current=(1.0,), alone=(False,)) for _ in range(400)]
    assert 0 in slower_in_company([suspect])
    assert slower_in_company([suspect, *others]) == {}


def test_places_are_those_of_the_times_and_a_clock_that_stood_still_is_passed_over():
    still = medians(current=(0.0, 1.0, 1.0), alone=(False, True, True))
    never = medians(baseline=(0.0,) * 5, current=(1.3, 1.0, 1.0), alone=(False, True, True))
    suspect = medians(current=(1.3, 1.0, 1.0), alone=(False, True, True))
    assert list(slower_in_company([still, never, medians(), suspect])) == [3]


def test_of_the_runs_alone_nothing_is_left():
    tails = ((1.0,) * 5, (1.1, 1.2, 1.3, 1.4))
    found = in_company(medians(current=(1.3, 1.0, 1.01, 1.32), alone=ALONE_BETWEEN, tails=tails))
    assert (found.current, found.alone, found.tails) == ((1.3, 1.32), (), ((1.0,) * 5, (1.1, 1.4)))
    assert in_company(medians(current=(1.3, 1.0), alone=(False, True), tails=((1.0,), ()))).tails == ((1.0,), ())


@pytest.mark.parametrize("alone", [(), (False, False), (True, True)])
def test_runs_of_one_kind_stay_as_they_are(alone):
    entry = medians(current=(1.3, 1.32), alone=alone)
    assert in_company(entry) is entry


def test_only_what_is_slower_in_company_loses_its_runs_alone():
    times = [medians(current=(1.3, 1.0), alone=(False, True)) for _ in range(2)]
    assert [len(entry.current) for entry in all_in_company(times, {1: 1.3})] == [2, 1]


def judged(num_whole_runs):
    entry = medians(current=(1.3,) * num_whole_runs)
    (verdict,) = judge_times([entry])
    return with_company(verdict, entry, 1.3)


def test_it_is_undecided_until_enough_runs_of_the_whole_suite_say_so():
    one, some = judged(1), judged(ENOUGH_RUNS - 1)
    assert [(found.kind, found.standing) for found in (one, some)] == [("INCONCLUSIVE", "in company")] * 2
    assert one.reason.endswith(
        "; together with the other cases it is slower than alone, by 30.0 %, in 1 run of the whole suite"
    )
    assert some.reason.endswith("by 30.0 %, in 3 runs of the whole suite")


def test_then_the_verdict_on_those_runs_stands_and_says_why():
    found = judged(ENOUGH_RUNS)
    assert (found.kind, found.standing) == ("WORSE", "clear")
    assert found.reason.endswith(
        "than alone, by 30.0 %: another case slows it down, such as by a global setting, a thread or a cache"
    )


@pytest.mark.parametrize("kind", ["SAME", "BETTER"])
def test_what_is_no_worse_in_company_needs_no_more_runs(kind):
    verdict = Verdict(kind=kind, case="a", metric="latency_s", reason="as ever", standing="open")
    found = with_company(verdict, medians(current=(1.0,)), 1.3)
    assert (found.kind, found.reason, found.standing) == (kind, "as ever", "clear")
