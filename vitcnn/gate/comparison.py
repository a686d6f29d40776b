"""Judges the runs of two revisions as pairs, with messages that fit a comparison without a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vitcnn.gate.baseline import Recording, baseline_of
from vitcnn.gate.coverage import FAILURES
from vitcnn.gate.judge import judge
from vitcnn.gate.pairs import MOST_PAIRS
from vitcnn.gate.verdict import RECORD_AGAIN, Judgement, Mode, Verdict, cannot_judge, invalid_run, worst_first
from vitcnn.metrics import is_time
from vitcnn.quantity import counted
from vitcnn.record import CaseResult

UNKNOWN = "has no known commit"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The runs of two revisions, the runs of the same place measured one after the other, and where they lie."""

    base: Recording
    head: Recording
    out: Path
    remarks: tuple[str, ...]

    def judged(self, mode: Mode) -> Judgement:
        """Judge the head by the base.

        What has no result in the base cannot have become worse. In `mode` allow-new a case that fails on both sides is
        therefore a remark; in the others it stays FAILED.
        """
        if not self.base.records:
            reasons = "; ".join(f"{case}: {_how(results).rstrip('.')}" for case, results in self.base.results.items())
            output = self.out / "base-1" / "terminal.txt"
            reason = f"no case passed in the {self.base.name}: {reasons or 'it has none'}. See {output}"
            return replace(cannot_judge(reason), remarks=self.remarks)
        runs, base = [run.run for run in self.head.runs], baseline_of([self.base])
        found = judge(runs, base, paired=True, counts_only=mode == "counts")
        verdicts, excused = [], []
        for verdict in map(self._in_words_of_revisions, found.verdicts):
            if mode == "allow-new" and self._fails_in_base_too(verdict):
                excused.append(f"Not judged, because it fails in both revisions: {verdict.case}: {verdict.reason}.")
            else:
                verdicts.append(verdict)
        remarks = (*self.remarks, *excused, *found.remarks, *_more_pairs(self.undecided(verdicts)))
        return replace(
            found,
            verdicts=worst_first(verdicts or [invalid_run("no case passed in both revisions")]),
            remarks=remarks,
            judged_by=self.set_beside,
            not_judged=(
                *found.not_judged,
                *([f"{counted(len(excused), 'case')} that fails in both revisions"] if excused else []),
            ),
        )

    @property
    def set_beside(self) -> str:
        """What the last line says that the head was set beside; empty where both are commits as they are.

        A side may differ from its commit, if a test or a conftest changes a tracked file of the checkout.
        """
        if self.is_of_one_revision:
            return "itself: base and head are the same revision"
        odd = {"base": _odd(self.base), "head": _odd(self.head)}
        told = [f"the {side} {what}" for side, what in odd.items() if what]
        return f"the base; {' and '.join(told)}" if told and set(odd.values()) != {UNKNOWN} else ""

    @property
    def is_of_one_revision(self) -> bool:
        """Whether base and head are known to be one commit with the same changes, so that no change can be seen."""
        runs = [run.run.environment for side in (self.base, self.head) for run in side.runs]
        states = {(run.git_commit, run.git_dirty, run.git_changes) for run in runs}
        return len(states) == 1 and all(run.git_commit and (run.git_changes or not run.git_dirty) for run in runs)

    @staticmethod
    def undecided(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
        """Return the cases that more pairs could decide."""
        found = (verdict.case for verdict in verdicts if verdict.kind == "INCONCLUSIVE" and is_time(verdict.metric))
        return tuple(dict.fromkeys(found))

    def _fails_in_base_too(self, verdict: Verdict) -> bool:
        failed = any(result.outcome in FAILURES for result in self.base.results.get(verdict.case, ()))
        return verdict.kind == "FAILED" and failed and verdict.case not in self.base.records

    def _in_words_of_revisions(self, verdict: Verdict) -> Verdict:
        """Say of a verdict what it means where there is no store of baselines to record into."""
        before = self.base.results.get(verdict.case, ())
        if verdict.kind == "NEW":
            reason = f"no result in the {self.base.name}: {_how(before) if before else 'it has no such case'}"
            return replace(verdict, reason=reason)
        if verdict.kind == "MISSING" and verdict.case not in self.head.results:
            reason = (
                f"measured in the {self.base.name}, not collected in the {self.head.name}: it was removed or renamed"
            )
            return replace(verdict, reason=reason)
        if self._fails_in_base_too(verdict):
            return replace(verdict, reason=f"{verdict.reason}; it also fails in the {self.base.name}")
        return replace(verdict, reason=verdict.reason.removesuffix(f". {RECORD_AGAIN}"))


def _odd(side: Recording) -> str:
    """Return what keeps the runs of a side from being its commit as it is; empty where nothing does."""
    environments = [run.run.environment for run in side.runs]
    if not all(environment.git_commit for environment in environments):
        return UNKNOWN
    return "has uncommitted changes" if any(environment.git_dirty for environment in environments) else ""


def _more_pairs(undecided: Sequence[str]) -> tuple[str, ...]:
    if not undecided:
        return ()
    do = f"More pairs can decide, with --pairs {MOST_PAIRS} --minutes 60"
    return (f"{counted(len(undecided), 'case')} INCONCLUSIVE. {do}.",)


def _how(results: Sequence[CaseResult]) -> str:
    """Say how a case ended in the last run that did not leave it out. Later pairs leave out one without results."""
    result = next((found for found in reversed(results) if found.outcome != "deselected"), results[-1])
    outcome = result.outcome.replace("_", " ")
    return f"{outcome}: {result.reason}" if result.reason else outcome
