"""What one case measures, built and ready: the runner times it, the metrics read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import nn

from vitcnn.bench.rounds import Rounds
from vitcnn.device import Device
from vitcnn.record import Series
from vitcnn.spec import Architecture, Case, InputShape


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What the seeds of a training case came to; the first axis of every array is the seed.

    `probabilities` (seeds, images, classes) are the last epoch's answers about the test images, whose classes are
    `labels` (images,). `accuracies` and `ends_s`, (seeds, epochs), are the test accuracy after each of `epochs`, from
    1, and the seconds of training until then. `warm_up_s` is what the throw-away training before the first seed took,
    compilation included.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    epochs: tuple[int, ...]
    accuracies: np.ndarray
    ends_s: np.ndarray
    target_accuracy: float
    warm_up_s: float

    @property
    def predictions(self) -> np.ndarray:
        """The likeliest class of each image, int64 (seeds, images)."""
        return self.probabilities.argmax(axis=2)


@dataclass(kw_only=True)
class Subject:
    """One case, ready to run.

    `run` is what is timed; it processes `images_per_run` images. `warm_up` pays what only first calls cost and
    returns an estimate of a run's seconds. `shape` is the input that `model` was built for; `settings` repeat the
    case. After the rounds the runner fills in `times_s`, a run's seconds in each round, and asks for the `series`.
    Cases that train say what came of it by `trained`. `counted` gets ready and returns what the counting pass runs,
    where a whole run takes too long for it; `counts` is what it found.
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
    trained: Callable[[], Trained] | None = None
    counted: Callable[[], Callable[[], object]] | None = None
    floor_bytes: int = 0
    times_s: tuple[float, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
