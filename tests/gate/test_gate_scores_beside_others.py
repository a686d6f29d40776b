"""Accuracies that differ beside other cases. The baseline is of fifteen seeds that differ by 0.4 points."""

import numpy as np
import pytest
from scipy import stats

from vitcnn.gate.beside_others import ENOUGH_RUNS
from vitcnn.gate.scores import judge_scores
from vitcnn.gate.scores_beside_others import (
    COMPANY_LEVEL,
    in_company,
    judge_beside_others,
    other_in_company,
    with_company,
)
from vitcnn.gate.seeds import SeedScores
from vitcnn.gate.times import ALL_RERUNS

RNG = np.random.default_rng(0)
BEFORE = dict(enumerate(0.95 + 0.004 * RNG.normal(size=15)))
FIRST, NEXT = range(3), range(3, 15)


def scores(beside, alone, *, before=BEFORE, case="accuracy/lenet"):
    return SeedScores(
        case=case,
        metric="test_accuracy",
        tolerance=0.01,
        seeds_per_run=3,
        baseline=before,
        beside=beside,
        alone=alone,
    )


def fallen(by, seeds, noise=0.0):
    return {seed: BEFORE.get(seed, 0.95) - by + noise * (-1) ** seed for seed in seeds}


@pytest.mark.parametrize("beside, alone", [(0.02, 0.0), (0.0, 0.02)])
def test_where_one_of_the_two_fell_beyond_the_tolerance_they_differ_by_the_gap(beside, alone):
    entry = scores(fallen(beside, FIRST), fallen(alone, NEXT))
    assert other_in_company([scores(fallen(0, FIRST), {}), entry]) == {1: pytest.approx(beside - alone)}


@pytest.mark.parametrize(
    "beside, alone",
    [
        (fallen(0.02, FIRST), fallen(0.02, NEXT)),
        (fallen(0.03, FIRST), fallen(0.015, NEXT)),  # both fell
        (fallen(0.009, FIRST), fallen(-0.02, NEXT)),  # neither fell beyond the tolerance
        (fallen(0.02, FIRST), {}),
        ({}, fallen(0.02, NEXT)),
    ],
)
def test_what_is_judged_alike_either_way_is_no_other(beside, alone):
    assert other_in_company([scores(beside, alone)]) == {}


def test_a_gap_that_chance_explains_is_none():
    """Three drops beside, twelve alone that spread by 1.2 points; the seeds differ by more, so that pairs tell."""
    before = {seed: 0.5 + seed / 50 for seed in range(15)}
    spread = [0.012 * score for score in stats.zscore(np.sin(np.arange(12)), ddof=1)]
    alone = {seed: before[seed] - drop for seed, drop in zip(NEXT, spread, strict=True)}
    found = {}
    for gap in (0.0125, 0.0145):
        drops = (gap, gap - 0.012, gap + 0.012)
        beside = {seed: before[seed] - drop for seed, drop in enumerate(drops)}
        chance = stats.ttest_ind(drops, spread, alternative="greater").pvalue
        found[chance <= COMPANY_LEVEL] = bool(other_in_company([scores(beside, alone, before=before)]))
    assert found == {False: False, True: True}


def test_the_same_seeds_that_come_to_the_same_alone_clear_the_other_cases():
    """The first three seeds fell whether the others were there or not: it was the change, or chance."""
    beside = fallen(0.02, FIRST)
    assert other_in_company([scores(beside, fallen(0.0, NEXT))])
    assert not other_in_company([scores(beside, {**beside, **fallen(0.0, NEXT)})])
    assert not other_in_company([scores(beside, {**fallen(0.0185, FIRST), **fallen(0.0, NEXT)})])
    assert other_in_company([scores(beside, {**fallen(0.0175, FIRST), **fallen(0.0, NEXT)})])


def test_without_seeds_of_both_sides_the_means_tell():
    before = {seed: BEFORE[seed] for seed in FIRST}
    alone = {seed: 0.95 + 0.001 * (-1) ** seed for seed in NEXT}
    assert other_in_company([scores(fallen(0.03, FIRST), alone, before=before)])
    assert not other_in_company([scores(fallen(0.03, FIRST), {3: 0.9, 4: 0.99, 5: 0.94}, before=before)])


def test_only_runs_of_the_whole_suite_are_kept_and_no_more_are_awaited_than_are_made():
    entry = scores(fallen(0.02, FIRST), fallen(0.0, NEXT))
    kept = in_company(entry)
    assert kept.current == entry.beside
    assert kept.num_seeds(ALL_RERUNS) == 3 * ENOUGH_RUNS < entry.num_seeds(ALL_RERUNS)


def judged(num_runs, fall=0.02, gap=0.018):
    entry = in_company(scores(fallen(fall, range(3 * num_runs)), fallen(0.0, NEXT)))
    (verdict,) = judge_scores([entry], more_runs=ALL_RERUNS)
    return with_company(verdict, entry, gap)


def test_it_is_undecided_until_enough_runs_of_the_whole_suite_say_so():
    one, some = judged(1), judged(ENOUGH_RUNS - 1)
    assert [(found.kind, found.standing) for found in (one, some)] == [("INCONCLUSIVE", "in company")] * 2
    said = "; together with the other cases it is lower than alone, by 1.8 points, in 1 run of the whole suite"
    assert one.reason.endswith(said)


def test_then_the_verdict_on_those_runs_stands_and_says_why():
    found = judged(ENOUGH_RUNS)
    assert (found.kind, found.standing) == ("WORSE", "clear")
    assert found.reason.endswith("lower than alone, by 1.8 points: what runs before it makes it worse")
    higher = judged(ENOUGH_RUNS, fall=0.0, gap=-0.1)
    assert (higher.kind, higher.standing) == ("SAME", "clear")
    assert higher.reason.endswith("together with the other cases it is higher than alone, by 10.0 points")


@pytest.mark.parametrize("by, how", [(0.0344, "lower"), (-0.0344, "higher")])
def test_seeds_that_come_to_others_when_trained_again_leave_it_undecided(by, how):
    """The first three; in the runs of the whole suite that followed, the next nine repeat."""
    beside = {**fallen(by, FIRST), **fallen(0.0, range(3, 12))}
    (verdict,) = judge_beside_others([scores(beside, fallen(0.0, range(15)))], more_runs=ALL_RERUNS)
    assert verdict.kind == "INCONCLUSIVE"
    assert f"its seeds came to 3.4 points {how} in the first process than when trained again: look" in verdict.reason


@pytest.mark.parametrize("by", [0.009, -0.009])
def test_within_the_tolerance_they_repeat_well_enough(by):
    beside = {**fallen(by, FIRST), **fallen(0.0, range(3, 12))}
    (verdict,) = judge_beside_others([scores(beside, fallen(0.0, range(15)))], more_runs=ALL_RERUNS)
    assert verdict.kind == "SAME"


def test_each_score_is_judged_by_the_runs_that_are_comparable():
    kept, alone = scores(fallen(0.0, FIRST), {}), scores(fallen(0.02, range(12)), fallen(0.0, NEXT), case="other")
    found = judge_beside_others([kept, alone], more_runs=ALL_RERUNS)
    assert [verdict.kind for verdict in found] == ["SAME", "WORSE"]
    assert found[0].visible < judge_beside_others([kept, alone], more_runs=0)[0].visible, "more seeds may follow"
    assert found[1].change == pytest.approx(-0.02)
