"""The verdict on one metric of one case, and the judgement on a whole run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["INVALID", "FAILED", "WORSE", "MISSING", "NEW", "INCONCLUSIVE", "BETTER", "SAME"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""From the worst to the best: the order of every listing.

INVALID cannot be judged. FAILED: the case did not pass. WORSE, BETTER: beyond the tolerance and beyond the noise.
MISSING: the baseline has it, the run does not. NEW: the run has it, the baseline does not. INCONCLUSIVE: beyond the
tolerance, but the noise is too large to tell. SAME: within the tolerance or within the noise.
"""

Standing = Literal["clear", "open", "proven", "in company"]
"""What more runs could do to a verdict: nothing, since nothing is suspicious; decide or overturn it; nothing any more,
since the evidence is overwhelming; or decide it if they are runs of the whole suite."""

BLIND = 1.0
"""Where noise hides even a time that doubles, nothing can be said of it."""

Mode = Literal["on", "allow-new", "strict", "counts"]
MODES: tuple[Mode, ...] = get_args(Mode)

ALWAYS_RED: frozenset[Kind] = frozenset({"INVALID", "FAILED", "WORSE", "MISSING"})
RED: dict[Mode, frozenset[Kind]] = {
    "on": ALWAYS_RED | {"NEW"},
    "allow-new": ALWAYS_RED,
    "strict": ALWAYS_RED | {"NEW", "INCONCLUSIVE", "BETTER"},
    "counts": ALWAYS_RED | {"NEW"},
}
"""Which verdicts turn a gate red, in each mode. In mode counts only what has no noise is judged at all."""

RECORD_FIRST = "Record one with `vitcnn baseline record` and commit it."
"""What to do where the baseline lacks something."""

RECORD_AGAIN = "If this is intended, record the baseline again"
"""What to do where the run measures something else than the baseline."""

WHOLE_RUN = "the whole run"
"""Stands in the place of a case where a verdict concerns all of them."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The verdict on one metric of one case; `metric` is empty where it concerns the whole case.

    `reason` says why in words and figures. `change` is the relative change of the metric, where there is one: 0.05 is
    5 % more than the baseline. `visible` is the smallest change, relative of a time, absolute of a score, that would
    have been seen 95 % of the time, all re-measuring included; `hidden` is the same without the tolerance: what noise
    alone hides.
    """

    kind: Kind
    case: str
    metric: str = ""
    reason: str
    change: float | None = None
    visible: float | None = None
    hidden: float | None = None
    standing: Standing = "clear"

    @property
    def name(self) -> str:
        """The case and the metric, as one name."""
        return f"{self.case}::{self.metric}" if self.metric else self.case

    @property
    def is_blind(self) -> bool:
        """Whether noise hides so much that nothing can be said."""
        return self.hidden is not None and self.hidden > BLIND


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """All verdicts on a run, the worst first.

    `drift` are verdicts against the oldest baseline that the newest one no longer shows. `remarks` say what was
    narrowed, skipped, or differs in software. `scope` says how much of the baseline was judged where the command line
    left some out. `not_judged` says what of the run was passed over: "2 counts under other software". `judged_by` says
    what it was set beside: the device's key, and whether that is committed.
    """

    verdicts: tuple[Verdict, ...]
    drift: tuple[Verdict, ...] = ()
    remarks: tuple[str, ...] = ()
    scope: str = ""
    not_judged: tuple[str, ...] = ()
    judged_by: str = ""

    def red(self, mode: Mode) -> tuple[Verdict, ...]:
        """Return the verdicts that are red in `mode`."""
        return tuple(verdict for verdict in self.verdicts if verdict.kind in RED[mode])

    @property
    def suspects(self) -> tuple[str, ...]:
        """The cases to measure again before any of their verdicts stands."""
        return self._of_standing("open", "proven")

    @property
    def undecided(self) -> tuple[str, ...]:
        """The cases of which more runs could still decide or overturn a verdict."""
        return self._of_standing("open")

    @property
    def undecided_in_company(self) -> tuple[str, ...]:
        """The cases that another run of the whole suite would decide."""
        return self._of_standing("in company")

    def _of_standing(self, *standings: Standing) -> tuple[str, ...]:
        return tuple(dict.fromkeys(verdict.case for verdict in self.verdicts if verdict.standing in standings))

    @property
    def is_invalid(self) -> bool:
        """Whether something could not be judged."""
        return any(verdict.kind == "INVALID" for verdict in self.verdicts)


def invalid_run(reason: str) -> Verdict:
    """Return the verdict on a run that cannot be judged at all."""
    return Verdict(kind="INVALID", case=WHOLE_RUN, reason=reason)


def cannot_judge(reason: str) -> Judgement:
    """Return the judgement of which that is the only verdict."""
    return Judgement(verdicts=(invalid_run(reason),))


def worst_first(verdicts: list[Verdict]) -> tuple[Verdict, ...]:
    """Return the verdicts by kind, and within a kind by the size of the change; else in their order."""
    return tuple(sorted(verdicts, key=lambda verdict: (KINDS.index(verdict.kind), -abs(verdict.change or 0.0))))
