"""Suspects measured again. The baseline is of five quiet runs around 1 s; QUIET cases need no second look."""

import pytest
from gate_builders import CASE, NOISY, OTHER, baseline, count, ended, five, record, run, scores, timed
from record_builders import measurement

from vitcnn.gate.remeasure import judge_with_reruns
from vitcnn.gate.times import LOOKS

BASELINE = baseline(*five(CASE), *five(OTHER))
HAZY = baseline(*five(CASE, NOISY), *five(OTHER))


class Reruns:
    """Measures suspects again by a script: the seconds of CASE in each round, two processes each."""

    def __init__(self, *rounds):
        self.rounds = rounds
        self.asked = []

    def __call__(self, cases, number):
        self.asked.append((number, tuple(cases)))
        return [
            run(*(timed(case, seconds if case == CASE else 1.0) for case in cases))
            for seconds in self.rounds[number - 1]
        ]


def judged(first, reruns, stored=BASELINE):
    judgement, runs = judge_with_reruns(run(timed(CASE, first), timed(OTHER, 1.0)), stored, reruns)
    assert len(runs) == 1 + 2 * len(reruns.asked)
    return {verdict.case: verdict.kind for verdict in judgement.verdicts}


def test_without_suspects_nothing_is_measured_again():
    reruns = Reruns()
    assert judged(1.0, reruns) == {CASE: "SAME", OTHER: "SAME"}
    assert reruns.asked == []


@pytest.mark.parametrize("first, again, kind", [(1.05, (1.0, 1.0), "SAME"), (0.95, (1.0, 1.0), "SAME")])
def test_a_change_that_is_gone_is_cleared_after_one_round(first, again, kind):
    reruns = Reruns(again)
    assert judged(first, reruns) == {CASE: kind, OTHER: "SAME"}
    assert reruns.asked == [(1, (CASE,))]


@pytest.mark.parametrize("seconds, kind", [(1.05, "WORSE"), (0.95, "BETTER")])
def test_a_change_that_stays_is_confirmed_after_two_rounds(seconds, kind):
    reruns = Reruns((seconds, seconds), (seconds, seconds))
    assert judged(seconds, reruns) == {CASE: kind, OTHER: "SAME"}
    assert reruns.asked == [(1, (CASE,)), (2, (CASE,))]


def test_a_change_that_only_the_second_round_clears_is_cleared():
    """A case with two modes: three slow processes in a row, then only quick ones."""
    reruns = Reruns((1.13, 1.13), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0))
    assert judged(1.13, reruns)[CASE] == "SAME"
    assert len(reruns.asked) == 3


def test_what_stays_undecided_is_measured_again_up_to_the_limit():
    reruns = Reruns(*[(1.02, 1.14)] * LOOKS)
    assert judged(1.16, reruns, HAZY) == {CASE: "INCONCLUSIVE", OTHER: "SAME"}
    assert reruns.asked == [(number, (CASE,)) for number in range(1, LOOKS + 1)]


def test_more_runs_can_prove_what_few_cannot():
    reruns = Reruns(*[(1.14, 1.15)] * LOOKS)
    assert judged(1.15, reruns, HAZY) == {CASE: "WORSE", OTHER: "SAME"}
    assert 2 <= len(reruns.asked) <= LOOKS


def test_only_suspects_are_measured_again_and_each_until_it_is_clear():
    def measure(cases, number):
        asked.append(tuple(cases))
        return [run(*(timed(case, 1.0 if case == CASE else 1.06) for case in cases))] * 2

    asked = []
    first = run(timed(CASE, 1.06), timed(OTHER, 1.06))
    judgement, _ = judge_with_reruns(first, BASELINE, measure)
    assert asked == [(CASE, OTHER), (OTHER,)]
    assert [(v.kind, v.case) for v in judgement.verdicts] == [("WORSE", OTHER), ("SAME", CASE)]


def test_what_more_runs_cannot_decide_is_never_measured_again():
    before = record(CASE, count(1), scores(0.95, 0.90, 0.97))
    after = record(CASE, count(2), scores(0.93, 0.86, 0.90))
    judgement, runs = judge_with_reruns(run(after), baseline(before), Reruns())
    assert [v.kind for v in judgement.verdicts] == ["WORSE", "INCONCLUSIVE"]
    assert len(runs) == 1


def test_undecided_scores_keep_no_case_in_the_rounds():
    def case(seconds, *shares):
        return record(CASE, measurement("training_time_s", seconds), scores(*shares))

    def measure(cases, number):
        rounds.append(number)
        return [run(case(1.06, 0.93, 0.86, 0.90))] * 2

    rounds = []
    before = [case(seconds, 0.95, 0.90, 0.97) for seconds in (1.0, 1.001, 0.999)]
    judgement, _ = judge_with_reruns(run(case(1.06, 0.93, 0.86, 0.90)), baseline(*before), measure)
    assert {v.metric: v.kind for v in judgement.verdicts} == {
        "training_time_s": "WORSE",
        "test_accuracy": "INCONCLUSIVE",
    }
    assert rounds == [1, 2]


def test_a_suspect_that_fails_when_measured_again_has_failed():
    judgement, _ = judge_with_reruns(
        run(timed(CASE, 1.05), timed(OTHER, 1.0)), BASELINE, lambda *_: [run(ended("out_of_memory"))]
    )
    assert [(v.kind, v.case) for v in judgement.verdicts] == [("FAILED", CASE), ("SAME", OTHER)]


def test_reruns_that_measured_nothing_leave_the_verdict_as_it_was():
    judgement, runs = judge_with_reruns(run(timed(CASE, 1.05), timed(OTHER, 1.0)), BASELINE, lambda *_: [])
    assert [v.kind for v in judgement.verdicts] == ["WORSE", "SAME"]
    assert len(runs) == 1


def test_what_cannot_be_judged_is_not_measured_again():
    judgement, runs = judge_with_reruns(run(timed(CASE, 1.05)), baseline(), Reruns())
    assert judgement.is_invalid
    assert len(runs) == 1
