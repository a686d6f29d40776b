"""Measures suspected cases again in fresh processes until they are decided, up to a limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vitcnn.errors import RunFailed
from vitcnn.gate.baseline import Baseline
from vitcnn.gate.beside_others import ENOUGH_RUNS
from vitcnn.gate.judge import judge
from vitcnn.gate.times import LOOKS, UNCONFIRMED_LOOKS
from vitcnn.gate.verdict import Judgement
from vitcnn.quantity import counted
from vitcnn.record import Run

Measure = Callable[[Sequence[str], int, Sequence[int]], Sequence[Run]]
"""Measures the named cases in a round, numbered from 1: in a fresh process for each of the given blocks of seeds."""

IN_COMPANY = LOOKS + 1
"""The rounds that measure the whole suite again, where a suspect is worse beside the other cases than alone."""


def judge_with_reruns(
    run: Run, baseline: Baseline, measure: Measure, *, reruns: int
) -> tuple[Judgement, tuple[Run, ...]]:
    """Judge a run, measure its suspects again round by round, and judge all runs together; return these too.

    A round is `reruns` processes; the first of all trains the run's own seeds once more. A round clears a suspect whose
    change is gone; what stays undecided is measured again in the next round, and decided by all runs together after the
    last. A change that is overwhelming ends it sooner, but not before two rounds have shown it. Where a case is another
    in the first run than alone, the whole suite is measured again, up to three times, with seeds that the baseline
    trained. Raises RunFailed where a process did not measure a case that it was asked for.
    """
    runs, most = [run], LOOKS * reruns
    judgement = judge(runs, baseline, more_runs=most)
    suspects = judgement.suspects
    for number in range(1, LOOKS + 1):
        if not suspects:
            break
        blocks = range((number - 1) * reruns, number * reruns)
        runs += _measured(measure, suspects, number, blocks)
        judgement = judge(runs, baseline, more_runs=most)
        suspects = judgement.suspects if number <= UNCONFIRMED_LOOKS else judgement.undecided
    for block in range(1, ENOUGH_RUNS):
        if not judgement.undecided_in_company:
            break
        runs += _measured(measure, [record.case for record in run.records], IN_COMPANY, [block])
        judgement = judge(runs, baseline, more_runs=most)
    return judgement, tuple(runs)


def _measured(measure: Measure, cases: Sequence[str], number: int, blocks: Sequence[int]) -> Sequence[Run]:
    """Measure the cases again; RunFailed if a process leaves one out, since it would stay undecided and so green."""
    runs = measure(cases, number, blocks)
    for run in runs:
        missing = sorted(set(cases) - run.begun)
        if missing:
            why = {result.id: f" ({result.outcome.replace('_', ' ')})" for result in run.cases}.get(missing[0], "")
            which = f"{len(missing)} of {counted(len(cases), 'case')}, such as {missing[0]}{why}"
            do = "A case must be skipped in every process or in none; see terminal.txt in the folder of the rerun"
            raise RunFailed(f"a process that was asked to measure again did not measure {which}. {do}")
    return runs
