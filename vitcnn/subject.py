"""What one case measures, built and ready: the runner times it, the metrics read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from vitcnn.device import Device
from vitcnn.record import Series
from vitcnn.spec import Architecture, Case, InputShape
from vitcnn.timing import Rounds


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
