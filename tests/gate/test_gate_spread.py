"""What runs of one revision say about noise, by hand, by SciPy and by simulating the gate."""

import math
from dataclasses import replace

import numpy as np
import pytest
from record_builders import ended, latency, memory, passed, run_on, training
from scipy import stats

from vitcnn.gate.spread import Spread, first_looks_at, noise_of
from vitcnn.gate.times import LOOKS, USUAL_RERUNS, RunMedians, judge_times

TOLERANCE = 0.02
LEVEL = 0.01
"""Of a whole suite."""


def runs_of(*medians, case="a"):
    return [run_on(1, passed(case, value)) for value in medians]


def test_the_spread_is_that_of_the_logarithms_of_the_run_medians():
    inside_runs = [(value / 100, value, value * 50) for value in (1.0, math.e, math.e**2)]
    (spread,) = noise_of([run_on(1, passed("a", *samples)) for samples in inside_runs]).spreads
    assert (spread.case, spread.metric, spread.unit, spread.tolerance) == ("a", "latency_s", "s", TOLERANCE)
    assert spread.medians == pytest.approx((1.0, math.e, math.e**2))
    assert spread.noise == pytest.approx(1.0)


def by_hand(noise, dof_of_baseline, tolerance, metrics=1):
    """Return the change that passes the first look, of 1 run, and the last, of 9, each 97.5 % of the time."""
    changes = []
    for current, level in ((1, 0.05), (1 + LOOKS * USUAL_RERUNS, LEVEL / metrics)):
        test = stats.t(dof_of_baseline + current - 1)
        error = noise * math.sqrt(1 / 5 + 1 / current)
        least = max(math.log1p(tolerance), test.ppf(1 - level) * error)
        changes.append(least + test.ppf(0.975) * error)
    return math.expm1(max(changes))


@pytest.mark.parametrize("half_span", [0.005, 0.03])
def test_one_metric_knows_its_own_noise_alone(half_span):
    (spread,) = noise_of(runs_of(math.exp(-half_span), 1.0, math.exp(half_span))).spreads
    assert spread.noise == pytest.approx(half_span)  # of -h, 0, h: sqrt(2 h^2 / 2)
    assert spread.visible == pytest.approx(by_hand(half_span, 4, TOLERANCE))
    assert spread.floor == pytest.approx(by_hand(half_span, 4, 0.0))


@pytest.mark.parametrize("runs, borrowed", [(3, 4), (10, 8)])
def test_a_case_borrows_what_the_others_know_and_no_more_than_their_baselines_will(runs, borrowed):
    """Of three cases that are alike two lend theirs: two degrees of freedom each of three runs, four of five."""
    looks = first_looks_at(np.full(3, 0.01), np.full(3, runs - 1))
    assert [look.dof for look in looks] == [4 + borrowed] * 3
    assert [look.effect for look in looks] == [0.0] * 3
    assert [look.error / look.noise for look in looks] == pytest.approx([math.sqrt(1 / 5 + 1)] * 3)


def test_several_metrics_share_the_level_and_what_they_know():
    three = (math.exp(-0.01), 1.0, math.exp(0.01))
    spreads = noise_of([run_on(1, *(passed(case, value) for case in "abc")) for value in three]).spreads
    (look, *_) = first_looks_at(np.full(3, 0.01), np.full(3, 2))
    assert [spread.visible for spread in spreads] == pytest.approx([by_hand(look.noise, look.dof, TOLERANCE, 3)] * 3)


def test_cases_lend_each_other_what_they_know_of_the_noise():
    rng = np.random.default_rng(3)
    alike = [run_on(1, *(passed(str(case), math.exp(rng.normal(0, 0.01))) for case in range(30))) for _ in range(4)]
    spreads = noise_of(alike).spreads
    seen = [spread.noise for spread in spreads]
    believed = [spread.floor for spread in spreads]
    assert max(seen) / min(seen) > 4
    assert max(believed) / min(believed) < 2


def test_the_noisiest_comes_first_and_every_timed_metric_has_a_spread_of_its_own():
    def once(quiet, noisy):
        return run_on(1, training("lenet", quiet), passed("b", noisy), memory("lenet", parameters=7))

    found = noise_of([once(1.0, 1.0), once(1.001, 1.1)])
    assert [spread.name.rpartition("::")[2] for spread in found.spreads] == ["latency_s", "step_time_s"]
    assert found.spreads[0].case == "b"
    assert found.left_out == {}


def test_what_was_measured_once_or_takes_no_time_is_left_out_with_the_reason():
    once = run_on(1, passed("a", 1.0), passed("b", 1.0), passed("c", 0.0))
    again = run_on(2, passed("a", 1.0), ended("b", "failed", "its reason"), passed("c", 1.0))
    found = noise_of([once, again])
    assert [spread.case for spread in found.spreads] == ["a"]
    assert found.left_out == {
        "b::latency_s": "measured in one run",
        "c::latency_s": "times must be above 0: check the clock",
    }


def test_of_no_timed_case_nothing_is_known():
    assert noise_of([run_on(1, ended("a", "skipped", "no data"))] * 2).spreads == ()


def test_cases_of_a_throttled_gpu_are_named_once():
    hot = replace(latency("lenet", 1.0), settings={"clocks": ["hw_slowdown"]})
    capped = replace(latency("resnet18", 1.0), settings={"clocks": ["sw_power_cap"]})
    assert noise_of([run_on(1, hot, capped)] * 2).throttled == (hot.case,)


@pytest.mark.parametrize(
    "floor, suggested, gated",
    [(0.0, 0.02, True), (0.02, 0.02, True), (0.0201, 0.025, False), (0.0749, 0.075, False), (0.51, None, False)],
)
def test_the_suggested_tolerance_is_what_noise_hides_rounded_up(floor, suggested, gated):
    about = {"case": "a", "metric": "latency_s", "unit": "s", "medians": (1.0, 1.0), "noise": 0.01, "visible": 0.1}
    spread = Spread(**about, tolerance=0.02, floor=floor)
    assert spread.suggested_tolerance == pytest.approx(suggested) if suggested else spread.suggested_tolerance is None
    assert spread.can_be_gated is gated


def is_caught(rng, noises, change):
    """Return whether the gate is red for `change` in the first case: a run, and its suspects measured again."""
    baseline = [rng.normal(0, noise, 5) for noise in noises]
    current = [list(rng.normal(0, noise, 1)) for noise in noises]
    current[0][0] += math.log1p(change)
    suspects = range(len(noises))
    for look in range(LOOKS + 1):
        verdicts = judge_times(
            [
                RunMedians(
                    case=str(index),
                    metric="latency_s",
                    unit="s",
                    better="lower",
                    tolerance=TOLERANCE,
                    baseline=tuple(np.exp(before)),
                    current=tuple(np.exp(now)),
                )
                for index, (before, now) in enumerate(zip(baseline, current, strict=True))
            ]
        )
        open_kinds = ("WORSE", "BETTER", "INCONCLUSIVE") if look < 2 else ("INCONCLUSIVE",)
        suspects = [index for index in suspects if verdicts[index].kind in open_kinds]
        if not suspects or look == LOOKS:
            break
        for index in suspects:
            shift = math.log1p(change) if index == 0 else 0.0
            current[index] += list(rng.normal(shift, noises[index], USUAL_RERUNS))
    return verdicts[0].kind == "WORSE"


@pytest.mark.parametrize("noise", [0.003, 0.015])
def test_the_gate_does_see_a_change_of_the_visible_size_and_seldom_half_of_it(noise):
    rng = np.random.default_rng(7)
    noises = noise * np.exp(rng.normal(0, 0.3, 10))
    measured = [
        run_on(1, *(passed(str(i), math.exp(rng.normal(0, n))) for i, n in enumerate(noises))) for _ in range(50)
    ]
    visible = next(spread.visible for spread in noise_of(measured).spreads if spread.case == "0")
    caught = [is_caught(rng, noises, visible) for _ in range(150)]
    half = [is_caught(rng, noises, visible / 2) for _ in range(150)]
    assert np.mean(caught) > 0.87  # 95 %, of noise that is estimated
    assert np.mean(half) < 0.6
