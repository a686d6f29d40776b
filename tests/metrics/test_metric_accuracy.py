import math

import numpy as np
import pytest
from record_builders import accuracy

from vitcnn.metrics.test_accuracy import Interval, accuracy_interval, correct, paired_difference


def answers(share, *, seeds=3, images=355, seed=0):
    """Return which images each seed got right; about `share` of all."""
    return np.random.default_rng(seed).random((seeds, images)) < share


def test_correct_answers_come_from_predictions_and_labels():
    record = accuracy("lenet", right=[[1, 0, 1], [1, 1, 1]])
    assert correct(record).tolist() == [[True, False, True], [True, True, True]]


def test_estimate_is_the_share_of_right_answers():
    scores = np.array([[1, 1, 0, 0], [1, 1, 1, 1]], dtype=bool)
    interval = accuracy_interval(scores)
    assert interval.estimate == 0.75
    assert interval.low <= 0.75 <= interval.high


@pytest.mark.parametrize("value, low, high", [(True, 100 / 103.8415, 1), (False, 0, 3.8415 / 103.8415)])
def test_interval_of_answers_that_are_all_alike_is_wilsons_over_the_images(value, low, high):
    """By hand: of n right answers of n the bound is n / (n + z^2), with z^2 = 1.95996^2 = 3.8415."""
    interval = accuracy_interval(np.full((3, 100), value))
    assert interval.estimate == value
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-5)


def test_interval_of_one_seed_is_as_wide_as_the_binomial():
    images, share = 400, 0.8
    scores = (np.arange(images) < share * images)[None]
    interval = accuracy_interval(scores)
    half = 1.96 * math.sqrt(share * (1 - share) / images)
    assert interval.low == pytest.approx(share - half, abs=0.006)
    assert interval.high == pytest.approx(share + half, abs=0.006)


def test_interval_holds_the_spread_of_the_seeds_too():
    shares = (0.6, 0.7, 0.8, 0.9)
    scores = np.stack([np.arange(10_000) < share * 10_000 for share in shares])
    interval = accuracy_interval(scores)
    # ten thousand images leave the seeds: their standard deviation, 0.112, over the root of four
    half = 1.96 * np.std(shares) / 2
    assert (interval.low, interval.high) == pytest.approx((0.75 - half, 0.75 + half), abs=0.015)


def test_interval_is_narrower_with_more_images():
    few, many = (accuracy_interval(answers(0.8, images=images)) for images in (100, 10_000))
    assert many.high - many.low < (few.high - few.low) / 3


def test_intervals_are_the_same_at_every_call():
    scores = answers(0.9)
    assert accuracy_interval(scores) == accuracy_interval(scores)
    assert paired_difference(scores, answers(0.8, seed=1)) == paired_difference(scores, answers(0.8, seed=1))


def test_no_difference_between_a_predictor_and_itself():
    scores = answers(0.9)
    difference = paired_difference(scores, scores)
    assert difference.estimate == 0
    assert difference.holds(0)


def test_no_difference_is_seen_between_equally_good_predictors():
    assert paired_difference(answers(0.9, seed=1), answers(0.9, seed=2)).holds(0)


def test_a_clear_difference_excludes_zero():
    difference = paired_difference(answers(0.95, seed=1), answers(0.75, seed=2))
    assert difference.low > 0
    assert difference.estimate == pytest.approx(0.2, abs=0.04)
    assert difference.holds(0.2)


def test_difference_is_antisymmetric():
    ours, theirs = answers(0.95, seed=1), answers(0.75, seed=2)
    forth, back = paired_difference(ours, theirs), paired_difference(theirs, ours)
    assert back.estimate == pytest.approx(-forth.estimate)
    assert back.low == pytest.approx(-forth.high, abs=0.01)
    assert back.high == pytest.approx(-forth.low, abs=0.01)


def test_pairing_by_image_sees_what_two_separate_intervals_do_not():
    hard = answers(0.7, seeds=1, images=1000)
    ours = hard.copy()
    ours[0, np.flatnonzero(~hard[0])[:12]] = True  # right on the same images and twelve more
    assert accuracy_interval(ours).low < accuracy_interval(hard).high
    assert paired_difference(ours, hard).low > 0


def test_predictors_with_different_numbers_of_seeds_can_be_compared():
    difference = paired_difference(answers(0.9, seeds=5), answers(0.6, seeds=2, seed=1))
    assert difference.estimate == pytest.approx(0.3, abs=0.05)
    assert not difference.holds(0)


def test_interval_holds_its_ends():
    interval = Interval(estimate=0.5, low=0.25, high=0.75)
    assert [interval.holds(value) for value in (0.2, 0.25, 0.5, 0.75, 0.8)] == [False, True, True, True, False]
