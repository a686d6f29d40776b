"""Warms a run up and plans its rounds; it needs the standard library alone, and torch only to check a tensor."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Protocol

from vitcnn.errors import CaseError, Diverged

WARM_UP_BUDGET_S = 0.5
"""A run that takes longer is warm after two calls."""


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """How often to repeat a run: as often as fits into `budget_s` seconds, within the bounds.

    A run shorter than `shortest_round_s` is called several times a round and the round's time divided.
    """

    at_least: int
    at_most: int
    budget_s: float
    shortest_round_s: float = 0.0

    def plan(self, estimate_s: float) -> tuple[int, int]:
        """Return (rounds, calls a round) for a run that takes about `estimate_s` seconds."""
        if estimate_s <= 0:
            return self.at_most, 1
        calls = max(1, ceil(self.shortest_round_s / estimate_s))
        fitting = int(self.budget_s / (estimate_s * calls))
        return max(self.at_least, min(self.at_most, fitting)), calls


MANY_ROUNDS = Rounds(at_least=5, at_most=50, budget_s=1.0, shortest_round_s=0.004)
"""For runs of microseconds to a second."""


ONCE = Rounds(at_least=1, at_most=1, budget_s=0.0)
"""For runs that are looked at and not timed."""


class Stopwatch(Protocol):
    """Times `run`: each round's seconds divided by its calls. The clock waits for the device."""

    def __call__(
        self,
        run: Callable[[], object],
        *,
        rounds: int,
        calls: int,
        before_round: Callable[[], None] | None = None,
        after_round: Callable[[], None] | None = None,
    ) -> tuple[float, ...]: ...


def warm_up(run: Callable[[], object], timer: Callable[[], float]) -> float:
    """Call `run` for what first calls cost, then twice more (once where it is slow); return the last call's seconds.

    Raises Diverged where what `run` returns is a tensor with a number that is not finite.
    """
    run()
    seconds = timed(run, timer)
    return timed(run, timer) if seconds < WARM_UP_BUDGET_S else seconds


def planned(rounds: Rounds, run: Callable[[], object], timer: Callable[[], float]) -> tuple[int, int]:
    """Warm `run` up and return the plan for it: how many rounds, and how many calls a round."""
    return rounds.plan(warm_up(run, timer))


def timed(run: Callable[[], object], timer: Callable[[], float]) -> float:
    """Return the seconds of one call of `run`; they and the result must be finite."""
    start = timer()
    result = run()
    seconds = timer() - start
    if not isfinite(seconds):
        raise CaseError(f"a call took {seconds} s: check the clock")
    require_finite(result)
    return seconds


def require_finite(result: object) -> None:
    """Raise Diverged where `result` is a tensor that holds NaN or infinity."""
    torch = sys.modules.get("torch")
    if torch and isinstance(result, torch.Tensor) and not torch.isfinite(result).all():
        shape = tuple(result.shape)
        raise Diverged(f"the result, {shape}, holds NaN or infinity: check the inputs, the weights and the precision")
