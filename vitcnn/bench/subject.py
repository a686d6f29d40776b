"""Defines the subject: a case that is built and ready, which the runner times and the metrics read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from vitcnn.device import Device
from vitcnn.record import Series
from vitcnn.spec import Architecture, Case, InputShape

if TYPE_CHECKING:
    from torch import nn

    from vitcnn.bench.lifetimes import Peak
    from vitcnn.bench.training_memory import TrainingMemory
    from vitcnn.device.energy import Energy


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What the seeds of a case that trains came to; the first axis of every array is the seed.

    `confidences` (seeds, images, ...) are the last epoch's about the test images, whose labels are `labels` (images,):
    of classification, the probability of each class. `predictions` (seeds, images) are the answers and `scores`
    (seeds, images) what they are worth, 0..1. `accuracies` and `ends_s`, (seeds, epochs), are the test accuracy after
    each of `epochs`, from 1, and the seconds of training until then. `warm_up_s` is what the throw-away training before
    the first seed took, compilation included. `losses` (seeds,) are the last epoch's mean losses on the test part, and
    `findings` what a question asked each model besides, by name. `right_under`, bool (seeds, corruptions, severities,
    images), says which corrupted images were answered right, where that was asked.
    """

    labels: np.ndarray
    confidences: np.ndarray
    predictions: np.ndarray
    scores: np.ndarray
    epochs: tuple[int, ...]
    accuracies: np.ndarray
    ends_s: np.ndarray
    target_accuracy: float
    warm_up_s: float
    losses: np.ndarray
    findings: Mapping[str, np.ndarray] = field(default_factory=dict)
    right_under: np.ndarray | None = None

    @property
    def has_classes(self) -> bool:
        """Whether the answers are classes with a probability of each: sums are not."""
        return self.confidences.ndim > 2

    @property
    def accuracies_under_shift(self) -> np.ndarray:
        """Accuracies (seeds, corruptions, severities), severity 0 being the images as they are."""
        assert self.right_under is not None, "a question that provides answers under shift asks for them"
        under_each = self.right_under.mean(axis=3)
        first = np.broadcast_to(self.accuracies[:, -1, None, None], (*under_each.shape[:2], 1))
        return np.concatenate([first, under_each], axis=2)


NamesPhase = Callable[[str], AbstractContextManager[object]]
"""Names what runs within it in a trace."""


@dataclass(frozen=True, kw_only=True)
class Traced:
    """What the traced pass runs. `images` are those of a run, and `timed_s` what one took in the timed rounds.

    Both are 0 where that is not known. `is_part` says that it is a small part that stands for a run.
    """

    run: Callable[[], object]
    images: int = 0
    timed_s: float = 0.0
    is_part: bool = False


@dataclass(kw_only=True)
class Subject:
    """One case, ready to run.

    `run` is what is timed; it processes `images_per_run` images. `warm_up` pays what only first calls cost and returns
    the plan: how many rounds, and how many runs a round. `shape` is the input that the model is built for; `settings`
    repeat the case. `model` is there where one model is measured from start to end. Cases that train say by `outcome`
    what came of it once their rounds have run, and by `series` what of that a record keeps. `counted` gets ready and
    returns what the counting pass runs, where a whole run takes too long for it, and `traced` what the traced pass runs
    where that is neither. `training_memory` says what a step of
    training holds in memory, and `merging` gets a model ready and returns what merges LoRA into it, both where there is
    such a thing. Where a run is inference alone, `forwards_per_run` is how many images of `shape` the model is given in
    it, or as many as hold the same pixels. The runner fills in the rest:
    `floor_bytes` of the device that were allocated before, `rounds` and `calls` as they were done, `times_s`, a run's
    seconds in each round, `trained`, `counts` of the counting pass, and the `energy` of runs where it was asked for
    and is known.
    """

    case: Case
    architecture: Architecture
    device: Device
    shape: InputShape
    run: Callable[[], object]
    warm_up: Callable[[], tuple[int, int]]
    images_per_run: int
    settings: dict[str, Any]
    model: nn.Module | None = None
    before_round: Callable[[], None] | None = None
    after_round: Callable[[], None] | None = None
    outcome: Callable[[], Trained] | None = None
    series: Callable[[Trained], list[Series]] | None = None
    counted: Callable[[], Callable[[], object]] | None = None
    traced: Callable[[NamesPhase], Traced] | None = None
    training_memory: Callable[[], TrainingMemory] | None = None
    predicted: Callable[[], Peak | None] | None = None
    merging: Callable[[], Callable[[], object]] | None = None
    forwards_per_run: float | None = None
    floor_bytes: int = 0
    rounds: int = 0
    calls: int = 0
    times_s: tuple[float, ...] = ()
    trained: Trained | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    energy: Energy | None = None
