import numpy as np
import pytest
from record_builders import robustness

from vitcnn.intervals import paired_difference
from vitcnn.metrics.robustness import relative_accuracies, relative_scores

NO_LOSS = [[0.8] * 6, [0.8] * 6]
HALF = [[0.8] + [0.4] * 5, [0.8] + [0.4] * 5]


def test_by_hand():
    """Two seeds, two corruptions, five severities: (0.5 + 0.25) / 2 and (1 + 0) / 2."""
    first = [[0.8, 0.4, 0.4, 0.4, 0.4, 0.4], [0.8, 0.2, 0.2, 0.2, 0.2, 0.2]]
    second = [[0.5, 0.5, 0.5, 0.5, 0.5, 0.5], [0.5, 0.0, 0.0, 0.0, 0.0, 0.0]]
    assert relative_accuracies([first, second]) == pytest.approx((0.375, 0.5))


def test_nothing_lost_is_1_and_half_lost_a_half():
    assert relative_accuracies([NO_LOSS, HALF]) == pytest.approx((1.0, 0.5))


def test_the_clean_images_count_as_the_measure_and_not_as_a_severity():
    assert relative_accuracies([[[0.1, 0.1, 0.1, 0.1, 0.1, 0.1]]]) == pytest.approx((1.0,))


def test_where_a_seed_is_wrong_about_every_image_there_is_nothing_to_keep():
    assert relative_accuracies([NO_LOSS, [[0.0] * 6] * 2]) == ()


def random_record(*, seeds, images, keep, seed):
    rng = np.random.default_rng(seed)
    right = rng.random((seeds, images)) < 0.9
    each = (rng.random((seeds, images, 2, 5)) < keep) & right[:, :, None, None]
    clean = np.broadcast_to(right.mean(axis=1)[:, None, None], (seeds, 2, 1))
    accuracies = np.concatenate([clean, each.mean(axis=1)], axis=2)
    record = robustness(
        "lenet",
        right=right.tolist(),
        times_right=tuple(map(tuple, each.sum(axis=(2, 3)).tolist())),
        accuracies=accuracies.tolist(),
    )
    return record, each, right


def test_scores_average_to_each_seeds_mean_relative_accuracy():
    record, _, _ = random_record(seeds=3, images=200, keep=0.6, seed=0)
    expected = record.samples("mean_relative_accuracy")
    np.testing.assert_allclose(relative_scores(record).mean(axis=1), expected, rtol=1e-12)


def test_scores_spread_as_the_ratio_does_when_images_are_drawn_anew():
    record, each, right = random_record(seeds=1, images=300, keep=0.6, seed=1)
    rng = np.random.default_rng(2)
    draws = rng.integers(0, 300, (2000, 300))
    ratios = each[0].mean(axis=(1, 2))[draws].mean(axis=1) / right[0][draws].mean(axis=1)
    by_scores = relative_scores(record)[0][draws].mean(axis=1)
    assert by_scores.std() == pytest.approx(ratios.std(), rel=0.03)


def test_a_clear_difference_is_seen_and_a_model_does_not_differ_from_itself():
    strong, weak = (relative_scores(random_record(seeds=3, images=300, keep=k, seed=3)[0]) for k in (0.8, 0.6))
    difference = paired_difference(strong, weak)
    assert difference.low > 0.1
    assert difference.estimate == pytest.approx(0.2, abs=0.03)
    assert paired_difference(weak, weak).holds(0)
