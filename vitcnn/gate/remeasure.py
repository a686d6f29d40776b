"""Suspects are measured again in fresh processes until it is clear what they are, up to a limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vitcnn.baseline import Baseline
from vitcnn.gate.judge import judge
from vitcnn.gate.times import LOOKS, UNCONFIRMED_LOOKS
from vitcnn.gate.verdict import Judgement
from vitcnn.record import Run

Measure = Callable[[Sequence[str], int], Sequence[Run]]
"""Measures the named cases in fresh processes; the number is the round's, from 1."""


def judge_with_reruns(
    run: Run, baseline: Baseline, measure: Measure, *, reruns: int
) -> tuple[Judgement, tuple[Run, ...]]:
    """Judge a run, measure its suspects again round by round, and judge all runs together; return these too.

    A round is `reruns` processes. It clears a suspect whose change is gone; what stays undecided is measured again in
    the next round, and decided by all runs together after the last. A change that is overwhelming ends it sooner, but
    not before two rounds have shown it.
    """
    runs, most = [run], LOOKS * reruns
    judgement = judge(runs, baseline, more_runs=most)
    suspects = judgement.suspects
    for number in range(1, LOOKS + 1):
        if not suspects:
            break
        runs += measure(suspects, number)
        judgement = judge(runs, baseline, more_runs=most)
        suspects = judgement.suspects if number <= UNCONFIRMED_LOOKS else judgement.undecided
    return judgement, tuple(runs)
