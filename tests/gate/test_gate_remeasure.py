"""Suspects measured again. The baseline is of five quiet runs around 1 s; QUIET cases need no second look."""

import re

import numpy as np
import pytest
from gate_builders import CASE, NOISY, OTHER, five
from record_builders import count, ended, record, run_of, scores, timed
from store_builders import baseline

from vitcnn.errors import RunFailed
from vitcnn.gate.judge import judge
from vitcnn.gate.remeasure import IN_COMPANY, judge_with_reruns
from vitcnn.gate.times import LOOKS

BASELINE = baseline(*five(CASE), *five(OTHER))
HAZY = baseline(*five(CASE, NOISY), *five(OTHER))


class Reruns:
    """Measures suspects again by a script: the seconds of CASE in each round of two, and `in_company`."""

    def __init__(self, *rounds, in_company=1.0):
        self.rounds = dict(enumerate(rounds, 1)) | {IN_COMPANY: (in_company,)}
        self.asked = []

    def __call__(self, cases, number, blocks):
        self.asked.append((number, tuple(cases)))
        assert len(self.rounds[number]) == len(blocks)
        return [
            run_of(*(timed(case, seconds if case == CASE else 1.0) for case in cases))
            for seconds in self.rounds[number]
        ]


WHOLE = (IN_COMPANY, (CASE, OTHER))


def judged(first, reruns, stored=BASELINE):
    judgement, runs = judge_with_reruns(run_of(timed(CASE, first), timed(OTHER, 1.0)), stored, reruns, reruns=2)
    assert len(runs) == 1 + sum(1 if asked == WHOLE else 2 for asked in reruns.asked)
    return {verdict.case: verdict.kind for verdict in judgement.verdicts}


def test_without_suspects_nothing_is_measured_again():
    reruns = Reruns()
    assert judged(1.0, reruns) == {CASE: "SAME", OTHER: "SAME"}
    assert reruns.asked == []


def test_what_could_have_been_seen_counts_the_reruns_in():
    first = run_of(timed(CASE, 1.0), timed(OTHER, 1.0))
    judgement, _ = judge_with_reruns(first, HAZY, Reruns(), reruns=2)
    assert judgement == judge([first], HAZY, more_runs=2 * LOOKS) != judge([first], HAZY)


@pytest.mark.parametrize("first", [1.021, 0.95])
def test_a_change_that_is_gone_is_cleared_after_one_round(first):
    reruns = Reruns((1.0, 1.0))
    assert judged(first, reruns) == {CASE: "SAME", OTHER: "SAME"}
    assert reruns.asked[0] == (1, (CASE,))


def test_one_slow_run_of_the_whole_suite_is_cleared_by_another():
    reruns = Reruns((1.0, 1.0), in_company=1.0)
    assert judged(1.6, reruns) == {CASE: "SAME", OTHER: "SAME"}
    assert reruns.asked == [(1, (CASE,)), WHOLE]


@pytest.mark.parametrize("seconds", [1.1, 1.6, 20.0])
def test_what_is_slow_beside_the_other_cases_alone_is_worse(seconds):
    """A case before it changes a global setting: measured again without that case it is as fast as ever."""
    reruns = Reruns((1.0, 1.0), in_company=seconds)
    assert judged(seconds, reruns) == {CASE: "WORSE", OTHER: "SAME"}
    assert reruns.asked == [(1, (CASE,)), WHOLE, WHOLE, WHOLE]


def test_what_was_faster_alone_before_already_is_judged_by_whole_runs():
    """The baseline's runs are of the whole suite: runs of the case alone may not outweigh a slower one."""
    reruns = Reruns((0.9, 0.9), in_company=1.06)
    assert judged(1.06, reruns) == {CASE: "WORSE", OTHER: "SAME"}


@pytest.mark.parametrize("seconds, kind", [(1.05, "WORSE"), (0.95, "BETTER")])
def test_a_change_that_stays_is_confirmed_after_two_rounds(seconds, kind):
    reruns = Reruns((seconds, seconds), (seconds, seconds))
    assert judged(seconds, reruns) == {CASE: kind, OTHER: "SAME"}
    assert reruns.asked == [(1, (CASE,)), (2, (CASE,))]


def test_a_change_that_the_second_round_does_not_show_is_not_worse():
    """A case with two modes: three slow processes in a row, then only quick ones."""
    reruns = Reruns((1.13, 1.13), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0))
    assert judged(1.13, reruns)[CASE] == "INCONCLUSIVE", "its runs differ more than those of the baseline"
    assert [number for number, _ in reruns.asked] == [1, 2, 3]


def test_what_stays_undecided_is_measured_again_up_to_the_limit():
    reruns = Reruns(*[(1.02, 1.14)] * LOOKS)
    assert judged(1.16, reruns, HAZY) == {CASE: "INCONCLUSIVE", OTHER: "SAME"}
    assert reruns.asked == [(number, (CASE,)) for number in range(1, LOOKS + 1)]


def test_more_runs_can_prove_what_few_cannot():
    reruns = Reruns(*[(1.14, 1.15)] * LOOKS)
    assert judged(1.15, reruns, HAZY) == {CASE: "WORSE", OTHER: "SAME"}
    assert 2 <= len(reruns.asked) <= LOOKS


def test_only_suspects_are_measured_again_and_each_until_it_is_clear():
    def measure(cases, number, blocks):
        asked.append(tuple(cases))
        return [run_of(*(timed(case, 1.0 if case == CASE else 1.06) for case in cases)) for _ in blocks]

    asked = []
    first = run_of(timed(CASE, 1.06), timed(OTHER, 1.06), timed("third", 1.0))
    judgement, _ = judge_with_reruns(first, BASELINE, measure, reruns=2)
    assert asked == [(CASE, OTHER), (OTHER,), (CASE, OTHER, "third")]
    assert {v.case: v.kind for v in judgement.verdicts if v.case in (CASE, OTHER)} == {OTHER: "WORSE", CASE: "SAME"}


def test_what_more_runs_cannot_decide_is_never_measured_again():
    judgement, runs = judge_with_reruns(
        run_of(record(CASE, count(2))), baseline(record(CASE, count(1))), Reruns(), reruns=2
    )
    assert [v.kind for v in judgement.verdicts] == ["WORSE"]
    assert len(runs) == 1


SEEDS = {seed: 0.93 + 0.017 * np.sin(7 * seed) for seed in range(27)}
"""Scores of seeds that differ by 1.2 points."""


def trained(block, fall=0.0, wobble=0.0):
    seeds = range(3 * block, 3 * block + 3)
    shares = [SEEDS[seed] - fall + wobble * (-1) ** seed for seed in seeds]
    return record(CASE, scores(*shares), seeds=list(seeds))


class NextSeeds:
    """Trains blocks of seeds; each score lies `wobble` up or down, and `fall` lower, or `beside` with another case."""

    def __init__(self, fall, wobble=0.0, beside=0.0):
        self.fall, self.wobble, self.beside = fall, wobble, beside
        self.blocks, self.whole = [], []

    def __call__(self, cases, number, blocks):
        assert (tuple(cases) == (CASE,)) == (number < IN_COMPANY)
        (self.whole if number == IN_COMPANY else self.blocks).extend(blocks)
        return [self.whole_run(block) if number == IN_COMPANY else self.alone(block) for block in blocks]

    def alone(self, block):
        return run_of(trained(block, self.fall, self.wobble))

    def whole_run(self, block):
        return run_of(trained(block, self.beside, self.wobble), timed(OTHER, 1.0))


def judged_scores(first_fall, reruns):
    stored = baseline(*(trained(block) for block in range(5)), *five(OTHER))
    reruns.beside = first_fall
    judgement, _ = judge_with_reruns(reruns.whole_run(0), stored, reruns, reruns=2)
    (verdict,) = (verdict for verdict in judgement.verdicts if verdict.case == CASE)
    return verdict


def test_scores_that_repeat_exactly_are_not_measured_again():
    reruns = NextSeeds(fall=0.0)
    assert judged_scores(0.0, reruns).kind == "SAME"
    assert reruns.blocks == []


def test_a_fall_is_told_by_the_next_seeds():
    reruns = NextSeeds(fall=0.015, wobble=0.008)
    assert judged_scores(0.015, reruns).kind == "WORSE"
    assert reruns.blocks[:4] == [0, 1, 2, 3], "those that the baseline trained too come first"
    assert reruns.whole == []


def test_a_fall_beside_other_cases_only_is_worse_by_runs_of_the_whole_suite():
    reruns = NextSeeds(fall=0.0, wobble=0.004)
    verdict = judged_scores(0.014, reruns)
    assert (verdict.kind, verdict.change) == ("WORSE", pytest.approx(-0.014, abs=0.001))
    assert reruns.blocks[0] == 0
    assert reruns.whole == [1, 2, 3], "seeds that the baseline trained too"


def test_a_fall_of_one_run_of_the_whole_suite_alone_is_undecided():
    """A cache on the disk that the first process made, and that was not there in time for it."""

    class Once(NextSeeds):
        def whole_run(self, block):
            return run_of(trained(block, self.beside * (block == 0), self.wobble), timed(OTHER, 1.0))

    reruns = Once(fall=0.0, wobble=0.004)
    verdict = judged_scores(0.016, reruns)
    assert verdict.kind == "INCONCLUSIVE"
    assert "its seeds came to 1.6 points lower in the first process than when trained again" in verdict.reason
    assert len(reruns.whole) < 3


def test_a_suspect_that_fails_when_measured_again_has_failed():
    judgement, _ = judge_with_reruns(
        run_of(timed(CASE, 1.05), timed(OTHER, 1.0)),
        BASELINE,
        lambda *_: [run_of(ended(CASE, "out_of_memory"))],
        reruns=2,
    )
    assert [(v.kind, v.case) for v in judgement.verdicts] == [("FAILED", CASE), ("SAME", OTHER)]


def test_reruns_that_measured_nothing_leave_the_verdict_as_it_was():
    judgement, runs = judge_with_reruns(run_of(timed(CASE, 1.05), timed(OTHER, 1.0)), BASELINE, lambda *_: [], reruns=2)
    assert [v.kind for v in judgement.verdicts] == ["WORSE", "SAME"]
    assert len(runs) == 1


def test_the_whole_suite_is_measured_again_three_times_even_where_that_comes_to_nothing():
    def measure(cases, number, blocks):
        asked.append(number)
        return [] if number == IN_COMPANY else [run_of(timed(CASE, 1.0)) for _ in blocks]

    asked = []
    judge_with_reruns(run_of(timed(CASE, 1.6), timed(OTHER, 1.0)), BASELINE, measure, reruns=2)
    assert asked == [1, IN_COMPANY, IN_COMPANY, IN_COMPANY]


def test_what_cannot_be_judged_is_not_measured_again():
    judgement, runs = judge_with_reruns(run_of(timed(CASE, 1.05)), baseline(), Reruns(), reruns=2)
    assert judgement.is_invalid
    assert len(runs) == 1


@pytest.mark.parametrize("outcome", ["deselected", "skipped", "not_run"])
def test_a_suspect_that_is_not_measured_again_cannot_be_judged(outcome):
    def measure(cases, number, blocks):
        return [run_of(timed(OTHER, 1.0), ended(CASE, outcome, "the reason"))]

    with pytest.raises(RunFailed, match=rf"did not measure 1 of 1 case, such as .* \({outcome.replace('_', ' ')}\)"):
        judge_with_reruns(run_of(timed(CASE, 2.0), timed(OTHER, 1.0)), BASELINE, measure, reruns=1)


def test_a_suspect_that_vanishes_from_a_rerun_cannot_be_judged():
    first = run_of(timed(CASE, 2.0), timed(OTHER, 2.0))
    said = f"did not measure 1 of 2 cases, such as {re.escape(CASE)}. A case must be skipped in every process or "
    with pytest.raises(RunFailed, match=said):
        judge_with_reruns(first, BASELINE, lambda *_: [run_of(timed(OTHER, 2.0))], reruns=1)
