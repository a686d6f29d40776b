"""What one case measures, built and ready: the runner times it, the metrics read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn

from vitcnn.device import Device
from vitcnn.record import Series
from vitcnn.spec import Architecture, Case, InputShape


class Progress(Protocol):
    """Told how far long work has come."""

    def __call__(self, done: int, total: int, text: str) -> None: ...


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
        calls = max(1, round(self.shortest_round_s / estimate_s)) if estimate_s > 0 else 1
        fitting = int(self.budget_s / (estimate_s * calls)) if estimate_s > 0 else self.at_most
        return max(self.at_least, min(self.at_most, fitting)), calls


@dataclass(kw_only=True)
class Subject:
    """One case, ready to run.

    `run` is what is timed; it processes `images_per_run` images. `warm_up` pays what only first calls cost and
    returns an estimate of a run's seconds. `shape` is the input that `model` was built for; `settings` repeat the
    case. After the rounds the runner fills in `times_s`, a run's seconds in each round, and asks for the `series`.
    """

    case: Case
    architecture: Architecture
    device: Device
    shape: InputShape
    model: nn.Module
    run: Callable[[], object]
    warm_up: Callable[[], float]
    rounds: Rounds
    images_per_run: int
    settings: dict[str, Any]
    before_round: Callable[[], None] | None = None
    after_round: Callable[[], None] | None = None
    series: Callable[[], list[Series]] = list
    floor_bytes: int = 0
    times_s: tuple[float, ...] = ()
