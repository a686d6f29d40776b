"""Suspects are measured again in fresh processes until it is clear what they are, up to a limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vitcnn.baseline import Baseline
from vitcnn.gate.judge import is_suspect, judge
from vitcnn.gate.times import LOOKS, UNCONFIRMED_LOOKS
from vitcnn.gate.verdict import Judgement
from vitcnn.record import Run

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
        suspects = judgement.suspects if number <= UNCONFIRMED_LOOKS else undecided(judgement)
    return judgement, tuple(runs)


def undecided(judgement: Judgement) -> tuple[str, ...]:
    """Return the cases of which a time is neither cleared nor proven."""
    found = (v.case for v in judgement.verdicts if v.kind == "INCONCLUSIVE" and is_suspect(v))
    return tuple(dict.fromkeys(found))
