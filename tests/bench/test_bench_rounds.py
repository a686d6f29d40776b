import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vitcnn.bench.rounds import MANY_ROUNDS, Rounds, require_finite, warm_up
from vitcnn.errors import CaseError, Diverged

ROUNDS = st.builds(
    Rounds,
    at_least=st.integers(1, 10),
    at_most=st.integers(10, 100),
    budget_s=st.floats(0, 60),
    shortest_round_s=st.floats(0, 0.1),
)
SECONDS = st.floats(1e-7, 1e3)


@given(ROUNDS, SECONDS)
def test_rounds_stay_within_their_bounds(rounds, estimate_s):
    count, calls = rounds.plan(estimate_s)
    assert rounds.at_least <= count <= rounds.at_most
    assert calls >= 1


@given(ROUNDS, SECONDS)
def test_rounds_beyond_the_least_fit_into_the_budget(rounds, estimate_s):
    count, calls = rounds.plan(estimate_s)
    assert count == rounds.at_least or count * calls * estimate_s <= rounds.budget_s * (1 + 1e-9)


@given(ROUNDS, st.floats(1, 1e4))
def test_a_run_as_long_as_a_round_is_called_once(rounds, share):
    assert rounds.plan(max(1e-7, rounds.shortest_round_s * share))[1] == 1


@given(ROUNDS, SECONDS)
def test_no_round_is_shorter_than_half_the_shortest(rounds, estimate_s):
    assert rounds.plan(estimate_s)[1] * estimate_s >= rounds.shortest_round_s / 2


def test_a_run_shorter_than_the_shortest_round_is_called_several_times():
    rounds = Rounds(at_least=1, at_most=9, budget_s=1.0, shortest_round_s=0.004)
    assert rounds.plan(0.003)[1] > 1


@pytest.mark.parametrize(
    "estimate_s, plan",
    [
        (0.1, (10, 1)),  # ten of them in a second
        (0.001, (50, 4)),  # four a round of 4 ms: 250 would fit, 50 are enough
        (0.03, (33, 1)),
        (7.0, (5, 1)),  # none fits, five are taken
        (0.0, (50, 1)),  # too short for the clock
    ],
)
def test_plan_of_many_rounds_by_hand(estimate_s, plan):
    assert MANY_ROUNDS.plan(estimate_s) == plan


def ticking(*intervals):
    """Return a clock whose successive pairs of reads are `intervals` apart."""
    reads = iter([at for seconds in intervals for at in (0.0, seconds)])
    return lambda: next(reads)


def test_warm_up_does_not_time_the_first_call_and_returns_the_last():
    calls = []
    assert warm_up(lambda: calls.append(1), ticking(0.2, 0.1)) == pytest.approx(0.1)
    assert len(calls) == 3


@pytest.mark.parametrize("seconds", [math.nan, math.inf])
def test_a_clock_that_tells_no_time_in_warm_up_is_an_error(seconds):
    with pytest.raises(CaseError, match="check the clock"):
        warm_up(lambda: None, ticking(seconds))


def test_warm_up_of_a_slow_run_times_it_once():
    calls = []
    assert warm_up(lambda: calls.append(1), ticking(4.0)) == 4.0
    assert len(calls) == 2


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_warm_up_on_numbers_that_are_not_finite_has_diverged(bad):
    result = torch.tensor([[1.0, bad]])
    with pytest.raises(Diverged, match=r"\(1, 2\), holds NaN or infinity"):
        warm_up(lambda: result, ticking(0.1, 0.1))


@pytest.mark.parametrize("fine", [None, "text", float("nan"), torch.ones(3), torch.arange(3)])
def test_only_tensors_are_checked_and_finite_ones_pass(fine):
    require_finite(fine)
