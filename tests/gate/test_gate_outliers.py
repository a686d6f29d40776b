"""One disturbed run among several. Groups are of logarithms; what is odd is worked out by hand."""

import pytest

from vitcnn.gate.outliers import are_two_modes, odd_runs

FIVE = (-0.01, 0.0, 0.01, 0.0)
"""With an odd run: squares of 0.0002 and three degrees of freedom, so that six deviations are 0.0490."""

FOUR = (-0.01, 0.0, 0.01)
"""With an odd run: squares of 0.0002 and two degrees of freedom, so that six deviations are 0.0600."""


@pytest.mark.parametrize("unit", [0.0, -7.0], ids=["around 1 s", "around 1 ms"])
@pytest.mark.parametrize(
    "rest, high, is_odd",
    [(FIVE, 0.0489, False), (FIVE, 0.0491, True), (FOUR, 0.0599, False), (FOUR, 0.0601, True)],
)
def test_a_run_is_odd_from_six_deviations_above_the_mean_of_the_others_on(unit, rest, high, is_odd):
    group = [unit + value for value in (rest[0], high, *rest[1:])]
    (found,) = odd_runs([group])
    assert (found.place if found else None) == (1 if is_odd else None)


@pytest.mark.parametrize("high", [0.05, 0.5, 5.0])
def test_however_far_out_it_lies_it_is_drawn_in_to_three_deviations(high):
    (found,) = odd_runs([(*FIVE, high)])
    assert found.believed == pytest.approx(0.0490 / 2, abs=1e-4)


def test_an_oddly_low_run_is_no_disturbance():
    assert odd_runs([(*FIVE, -1.0)]) == [None]


def test_of_three_runs_none_is_odd():
    assert odd_runs([(0.0, 0.0, 1.0)]) == [None]
    few, five, four = odd_runs([(0.0, 0.0, 1.0), (*FIVE, 1.0), FOUR])
    assert (few, five.place, four) == (None, 4, None)
    assert odd_runs([]) == []


@pytest.mark.parametrize("unit", [0.0, -7.0], ids=["around 1 s", "around 1 ms"])
@pytest.mark.parametrize(
    "others, are_two",
    [((0.0, 0.13, 0.0), True), ((0.0, 0.01, -0.01), False), ((0.12, 0.13), False), ((0.0, 0.06), False)],
    ids=["now and then", "like the rest", "like the odd one", "nearer to the rest"],
)
def test_two_modes_are_where_the_other_side_has_both(unit, others, are_two):
    group = [unit + value for value in (*FIVE, 0.13)]
    assert are_two_modes(group, 4, [unit + value for value in others]) is are_two
