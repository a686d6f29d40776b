from dataclasses import replace
from math import exp, expm1, isnan, log, log1p

import numpy as np
import pytest
from scipy import stats

from vitcnn.gate.pairs import LOOKS, PairedTimes, judge_pairs, log_ratio, paired_times, weigh_pairs
from vitcnn.record import Measurement


def paired(*costs, tolerance=0.02, better="lower"):
    ones = (1.0,) * len(costs)
    return PairedTimes(
        case="a", metric="latency_s", unit="s", better=better, tolerance=tolerance, costs=costs, base=ones, head=ones
    )


def kinds(*entries):
    return [verdict.kind for verdict in judge_pairs(entries)]


def measured(*samples, better="lower"):
    return Measurement(metric="latency_s", unit="s", better=better, tolerance=0.02, samples=samples)


QUIET = (0.001, -0.001, 0.0)


def test_a_pair_says_the_median_ratio_of_rounds_side_by_side():
    """The base drifts by a factor of four; each round of the head takes a tenth longer, but for one."""
    base, head = (1.0, 2.0, 4.0), (1.1, 2.2, 40.0)
    assert log_ratio(base, head) == pytest.approx(log(1.1))
    assert log_ratio(base, (2.2, 2.2)) == pytest.approx(log(1.1)), "of the medians, where rounds have no partner"
    assert isnan(log_ratio((1.0, 0.0), (1.0, 1.0)))


def test_costs_are_positive_where_worse_whatever_is_better():
    times = paired_times("a", [measured(1.0, 1.0)] * 2, [measured(2.0, 2.0)] * 2)
    assert times == PairedTimes(
        case="a",
        metric="latency_s",
        unit="s",
        better="lower",
        tolerance=0.02,
        costs=(log(2), log(2)),
        base=(1.0, 1.0),
        head=(2.0, 2.0),
    )
    rates = paired_times("a", [measured(1.0, better="higher")], [measured(2.0, better="higher")])
    assert rates.costs == pytest.approx((-log(2),))


def test_a_case_alone_is_judged_by_the_paired_t():
    """Oracle by hand: mean 2, squares 1 + 0 + 1, so a variance of 1 and an error of 1 / sqrt(3)."""
    (evidence,) = weigh_pairs([paired(1.0, 2.0, 3.0)])
    assert (evidence.effect, evidence.error, evidence.dof) == pytest.approx((2.0, 3**-0.5, 2.0))


@pytest.mark.parametrize(
    "costs, kind",
    [
        (QUIET, "SAME"),
        ((0.030, 0.031, 0.029), "WORSE"),
        ((-0.030, -0.031, -0.029), "BETTER"),
        ((0.015, 0.014, 0.016), "SAME"),
        ((0.30, -0.25, 0.05), "INCONCLUSIVE"),
    ],
)
def test_each_kind_has_its_pairs(costs, kind):
    quiet = [paired(*QUIET)] * 9
    assert kinds(paired(*costs), *quiet)[0] == kind


def test_the_change_is_that_of_the_metric_whatever_is_better():
    times, rates = judge_pairs([paired(log(1.25)), paired(log(1.25), better="higher")])
    assert (times.kind, rates.kind) == ("WORSE", "WORSE")
    assert (times.change, rates.change) == pytest.approx((0.25, -0.2))


def test_a_change_of_just_the_tolerance_is_within_it():
    assert kinds(paired(log1p(0.02))) == ["SAME"]


@pytest.mark.parametrize("share, kind", [(0.98, "WORSE"), (1.02, "INCONCLUSIVE")])
def test_the_level_of_a_case_alone_is_that_of_a_suite_shared_by_its_looks(share, kind):
    error = 0.03 / stats.t(2).isf(share * 0.01 / 6)
    spread = 3**0.5 * error
    assert kinds(paired(0.03 - spread, 0.03, 0.03 + spread)) == [kind]


def test_cases_of_the_same_noise_count_as_of_one_variance():
    """Oracle by hand, as in the tests of the noise: with two degrees of freedom it is e to Euler's constant larger."""
    found = weigh_pairs([paired(-0.01, 0.0, 0.01)] * 2)
    assert [evidence.noise for evidence in found] == pytest.approx([0.01 * exp(0.5772157 / 2)] * 2)


def test_two_pairs_that_differ_decide_nothing():
    (verdict,) = judge_pairs([paired(0.02, -0.02)])
    assert verdict.kind == "INCONCLUSIVE"
    assert "2 pairs, noise between pairs 2.8 %" in verdict.reason


def test_what_stays_hidden_is_what_the_cost_may_be_and_at_least_what_matters():
    """Oracle: of three pairs the bound is the mean and t of two degrees of freedom, at 5 % over six looks."""
    error = 0.275 / 3**0.5
    most = expm1(0.1 / 3 + stats.t(2).ppf(1 - 0.05 / 6) * error)
    costs = (0.1 / 3 - 0.275, 0.1 / 3 + 0.275, 0.1 / 3)
    (verdict,) = judge_pairs([paired(*costs)])
    assert verdict.visible == verdict.hidden == pytest.approx(most)
    same, worse = judge_pairs([paired(0.0), paired(0.5)])
    assert same.visible == same.hidden == worse.visible == worse.hidden == 0.04


def test_not_worse_means_by_no_more_than_twice_the_tolerance():
    """Noise of 2 % in three pairs: the cost may well be 6 %, which matters under a tolerance of 2 %, not of 10 %."""
    noisy = [paired(0.02, -0.02, 0.0)] * 10
    assert set(kinds(*noisy)) == {"INCONCLUSIVE"}
    assert set(kinds(*(replace(entry, tolerance=0.10) for entry in noisy))) == {"SAME"}
    assert set(kinds(*[paired(*(0.02, -0.02, 0.0) * 4)] * 10)) == {"SAME"}


def test_one_odd_pair_proves_nothing():
    """The mean is proven, at a noise that the nine others vouch for; the median pair shows nothing."""
    quiet = [paired(*(0.001, -0.001) * 4)] * 99
    odd = paired(0.0, 0.001, 0.0, -0.001, 0.0, 0.001, 0.0, 0.9)
    assert kinds(odd, *quiet)[0] != "WORSE"


def test_one_pair_is_judged_by_the_tolerance_and_says_so():
    worse, same = judge_pairs([paired(0.03), paired(0.01)])
    assert (worse.kind, same.kind) == ("WORSE", "SAME")
    assert worse.reason == (
        "1.00 s, base 1.00 s: +3.0 %, round by round, tolerance 2 %, one pair, so only the tolerance decides"
    )


def test_two_pairs_that_agree_prove_that_a_time_is_better():
    """Oracle by hand: an effect of 0.5 at an error of 0.00005 and one degree of freedom has a chance of 3e-5."""
    (verdict,) = judge_pairs([paired(-0.5, -0.5001)])
    assert verdict.kind == "BETTER"


def test_one_pair_proves_nothing_better_whatever_others_know_of_the_noise():
    quiet = [paired(*(0.001, -0.001) * 4)] * 99
    assert kinds(paired(-0.9), *quiet)[0] == "INCONCLUSIVE"


@pytest.mark.parametrize("better, change", [("lower", "-3.0 %"), ("higher", "+3.1 %")])
def test_one_pair_cannot_tell_that_a_time_is_better_and_says_why(better, change):
    (verdict,) = judge_pairs([paired(log(0.97), better=better)])
    assert verdict.kind == "INCONCLUSIVE"
    assert verdict.reason == (
        f"1.00 s, base 1.00 s: {change}, round by round, tolerance 2 %, "
        "one pair cannot tell whether this is noise: measure more pairs"
    )


def test_a_clock_that_stands_still_cannot_be_judged_and_spoils_no_other():
    still = replace(paired(float("nan")), base=(0.0,))
    first, second = judge_pairs([still, paired(0.03)])
    assert (first.kind, second.kind) == ("INVALID", "WORSE")
    assert first.name == "a::latency_s"
    assert first.reason == "times must be above 0, got a median of 0 ns: check the clock"


def test_the_reason_gives_the_figures():
    (verdict, *_) = judge_pairs([replace(paired(0.3, -0.25, 0.05), base=(1e-3,) * 3, head=(2e-3,) * 3)])
    assert verdict.reason == (
        "2.00 ms, base 1.00 ms: +3.4 %, round by round, tolerance 2 %, 3 pairs, noise between pairs 27.5 %, "
        f"undecided: it may be worse by up to {100 * verdict.hidden:.0f} %"
    )


def judged_in_sequence(costs):
    """Return the kind of the first case's verdict, and whether any other was called worse; `costs` (pairs, cases)."""
    counts = np.zeros(costs.shape[1], int)
    undecided = np.ones(costs.shape[1], bool)
    for number in LOOKS[:-1]:
        counts[undecided] = number
        found = kinds(*(paired(*costs[:n, c]) for c, n in enumerate(counts)))
        undecided = np.array([kind == "INCONCLUSIVE" for kind in found])
    return found[0], "WORSE" in found[1:]


def test_of_simulated_suites_few_are_wrong_and_ten_per_cent_are_seen():
    """Ten cases, noise as measured on two shared cores: 2.0 to 6.3 % a pair; at most 20 pairs; 40 suites."""
    rng = np.random.default_rng(0)
    noise = np.resize([0.020, 0.041, 0.063], 10)
    outcomes = [judged_in_sequence(rng.normal(size=(20, 10)) * noise + np.eye(1, 10) * log(1.1)) for _ in range(40)]
    assert sum(kind == "WORSE" for kind, _ in outcomes) >= 38
    assert sum(is_false for _, is_false in outcomes) <= 2
