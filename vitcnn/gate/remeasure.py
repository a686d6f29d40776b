"""Suspects are measured again in fresh processes until it is clear what they are, up to a limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vitcnn.baseline import Baseline
from vitcnn.gate.judge import judge
from vitcnn.gate.times import LOOKS
from vitcnn.gate.verdict import Judgement
from vitcnn.record import Run

UNCONFIRMED_ROUNDS = 1
"""After so many rounds a change that looks proven is still doubted: a case with two modes fools one round too often."""

Measure = Callable[[Sequence[str], int], Sequence[Run]]
"""Measures the named cases in fresh processes; the number is the round's, from 1."""


def judge_with_reruns(run: Run, baseline: Baseline, measure: Measure) -> tuple[Judgement, tuple[Run, ...]]:
    """Judge a run, measure its suspects again round by round, and judge all runs together; return these too.

    A round clears a suspect whose change is gone. A change stands once two rounds in a row show it; what stays
    undecided is measured again, for as many rounds as share the level of the tests.
    """
    runs = [run]
    judgement = judge(runs, baseline)
    suspects = judgement.suspects
    for number in range(1, LOOKS + 1):
        if not suspects:
            break
        runs += measure(suspects, number)
        judgement = judge(runs, baseline)
        undecided = {v.case for v in judgement.verdicts if v.kind == "INCONCLUSIVE"}
        open_cases = judgement.suspects if number <= UNCONFIRMED_ROUNDS else undecided
        suspects = tuple(case for case in suspects if case in open_cases)
    return judgement, tuple(runs)
