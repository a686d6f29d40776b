import numpy as np
import pytest
from gate_builders import CASE, scores
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from vitcnn.gate.scores import by_seed, judge_scores, welch
from vitcnn.gate.times import SUITE_LEVEL

BEFORE = (0.950, 0.954, 0.946, 0.952, 0.948)

shares = st.lists(st.floats(0.0, 1.0), min_size=2, max_size=6).filter(lambda values: np.std(values) > 0.01)


def judged(before, now, *, num_tests=1, tolerance=0.01):
    return judge_scores(CASE, [scores(*before, tolerance=tolerance)], [scores(*now, tolerance=tolerance)], num_tests)


def moved(by):
    return tuple(value + by for value in BEFORE)


@given(shares, shares)
def test_welch_is_scipys(one, other):
    one, other = np.array(one), np.array(other)
    expected = stats.ttest_ind(one, other, equal_var=False, alternative="greater").pvalue
    assert welch(one.mean() - other.mean(), one, other) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    "by, kind, reason",
    [
        (
            -0.005,
            "SAME",
            "94.5 % (5 seeds, 94.1-94.9), baseline 95.0 % (5 seeds, 94.6-95.4): -0.5 points, {}by chance 1.8 %",
        ),
        (
            -0.05,
            "WORSE",
            "90.0 % (5 seeds, 89.6-90.4), baseline 95.0 % (5 seeds, 94.6-95.4): -5.0 points, {}by chance under 0.1 %",
        ),
        (
            0.02,
            "BETTER",
            "97.0 % (5 seeds, 96.6-97.4), baseline 95.0 % (5 seeds, 94.6-95.4): +2.0 points, {}by chance under 0.1 %",
        ),
    ],
)
def test_all_seeds_are_judged(by, kind, reason):
    verdict = judged(BEFORE, moved(by))
    assert (verdict.kind, verdict.reason) == (kind, reason.format("tolerance 1 points, "))
    assert verdict.change == pytest.approx(by)


def test_a_drop_that_the_seeds_can_explain_is_undecided():
    verdict = judged((0.95, 0.90, 0.97), (0.93, 0.86, 0.90))
    chance = stats.ttest_ind((0.95, 0.90, 0.97), (0.93, 0.86, 0.90), equal_var=False, alternative="greater").pvalue
    assert verdict.kind == "INCONCLUSIVE"
    assert verdict.reason.endswith(f"by chance {100 * chance:.1f} %: the seeds differ too much to tell")


def test_errors_that_more_than_halve_are_too_good_to_be_believed_unseen():
    suspicion = "; the errors more than halved, too good to be true? Look for test images among the training images"
    assert judged(BEFORE, moved(0.024)).reason.count(suspicion) == 0
    assert judged(BEFORE, moved(0.026)).reason.endswith(suspicion)


@pytest.mark.parametrize("now, kind", [(0.945, "SAME"), (0.935, "WORSE"), (0.965, "BETTER")])
def test_with_one_seed_the_tolerance_alone_decides(now, kind):
    verdict = judged((0.95,), (now,))
    assert verdict.kind == kind
    assert verdict.reason == (
        f"{100 * now:.1f} % (1 seed, {100 * now:.1f}-{100 * now:.1f}), baseline 95.0 % (1 seed, 95.0-95.0): "
        f"{100 * (now - 0.95):+.1f} points, tolerance 1 points, one seed, so that the tolerance alone decides"
    )


def test_a_seed_counts_once_however_many_runs_trained_it():
    several = [scores(0.90, 0.94), scores(0.92, 0.96), scores(0.91, 0.95, 0.99)]
    assert by_seed(several) == pytest.approx([0.91, 0.95])
    once = judge_scores(CASE, [scores(*BEFORE)], [scores(*moved(-0.02))], 1)
    five_times = judge_scores(CASE, [scores(*BEFORE)] * 5, [scores(*moved(-0.02))], 1)
    assert five_times == once


def test_seeds_that_agree_to_the_last_digit_can_be_judged():
    assert judged((0.95, 0.95, 0.95), (0.90, 0.90, 0.90)).kind == "WORSE"
    assert judged((0.95, 0.95, 0.95), (0.95, 0.95, 0.95)).kind == "SAME"


def test_the_level_is_shared_by_the_scores():
    before, now = (0.95, 0.94, 0.96), (0.90, 0.892, 0.908)
    chance = stats.ttest_ind(before, now, equal_var=False, alternative="greater").pvalue
    enough = int(SUITE_LEVEL / chance)
    assert enough >= 1
    assert judged(before, now, num_tests=enough).kind == "WORSE"
    assert judged(before, now, num_tests=enough + 1).kind == "INCONCLUSIVE"


@given(shares, shares)
def test_swapping_baseline_and_current_mirrors_the_verdict(before, now):
    mirrored = {"WORSE": "BETTER", "BETTER": "WORSE"}
    kind = judged(before, now).kind
    assert judged(now, before).kind == mirrored.get(kind, kind)
