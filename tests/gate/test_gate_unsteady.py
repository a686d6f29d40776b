import numpy as np
import pytest
from gate_builders import QUIET, medians
from scipy import stats

from vitcnn.gate.times import judge_times
from vitcnn.gate.unsteady import ENOUGH_RUNS, chances_of_spread

TWO_MODES = (1.0, 1.3, 1.0, 1.3, 1.0, 1.3, 1.0, 1.3, 1.0)
ONE_DISTURBED = (1.0, 1.001, 0.999, 1.6, 1.0)


def kind(**how):
    (verdict,) = judge_times([medians(**how)])
    return verdict.kind


def test_a_case_that_got_two_modes_is_not_the_same():
    assert kind(current=TWO_MODES) == "INCONCLUSIVE"
    (verdict,) = judge_times([medians(current=TWO_MODES)])
    assert "its runs differ far more than the baseline's, so it is too noisy for a decision" in verdict.reason


def test_a_case_alone_is_judged_by_the_f_test():
    """Today's variance is that of the runs but for the one farthest out; 4 of them are 3 degrees of freedom."""
    before, now = [0.0, 0.01, 0.02, 0.04], [0.0, 0.03, 0.05, 0.07, 0.5]
    expected = stats.f.sf(np.var(now[:4], ddof=1) / np.var(before, ddof=1), 3, 3)
    for shift in (0.0, -3.0):
        shifted = [[value + shift for value in group] for group in (before, now)]
        assert chances_of_spread(shifted[:1], shifted[1:]) == [pytest.approx(expected, rel=1e-6)]


def test_four_runs_and_a_baseline_of_two_are_enough():
    before, now = [0.0, 0.01], [0.0, 0.3, 0.5, 0.9]
    expected = stats.f.sf(np.var(now[:3], ddof=1) / np.var(before, ddof=1), 2, 1)
    assert chances_of_spread([before], [now]) == [pytest.approx(expected, rel=1e-6)]


def test_one_disturbed_run_is_no_spread():
    (chance,) = chances_of_spread([np.log(QUIET)], [np.log(ONE_DISTURBED)])
    assert chance > 0.1


@pytest.mark.parametrize("before, now", [(QUIET, TWO_MODES[: ENOUGH_RUNS - 1]), ((1.0,), TWO_MODES)])
def test_of_few_runs_nothing_is_said(before, now):
    assert chances_of_spread([np.log(before)], [np.log(now)]) == [1.0]


def test_a_case_that_had_two_modes_before_is_as_steady_as_ever():
    (chance,) = chances_of_spread([np.log(TWO_MODES[:5])], [np.log(TWO_MODES)])
    assert chance > 0.1


def test_what_is_steady_within_the_tolerance_is_the_same_however_steady_the_baseline_was():
    assert kind(current=(1.0, 1.004, 0.996, 1.004, 0.996)) == "SAME"


def test_unchanged_cases_are_rarely_called_unsteady():
    """Normal noise, five runs before and nine now: the test's level is the suite's, one in a hundred."""
    rng = np.random.default_rng(1)
    suites = [rng.normal(scale=0.01, size=(20, 14)) for _ in range(300)]
    alarms = [min(chances_of_spread(list(s[:, :5]), list(s[:, 5:]))) <= 0.01 / 20 for s in suites]
    assert sum(alarms) <= 6
