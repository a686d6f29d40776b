"""Tests trained seeds on corrupted test images: a seed is trained before its round, and the round times the test.

Every architecture and seed sees the same corrupted images: they are corrupted at the task's own resolution, by draws
that only their places decide, before they are shrunk for a model that works at a smaller one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vitcnn.bench.bench import Bench
from vitcnn.bench.models import WEIGHTS_SEED
from vitcnn.bench.seed_rounds import SeedRounds, subject_of
from vitcnn.bench.seeds import (
    Pupil,
    SeedResult,
    few_batches,
    new_model,
    result_of,
    seeds_of,
    train_and_ask,
    trained_of,
    trained_pupil,
)
from vitcnn.bench.series import nested, series_of
from vitcnn.bench.setup import Setup, setup_of
from vitcnn.bench.subject import Subject, Trained
from vitcnn.corruptions import NUM_SEVERITIES, Corruption, corrupted, corruptions
from vitcnn.images import normalize, shrunk
from vitcnn.record import Series
from vitcnn.record.answers import TIMES_RIGHT, UNDER_SHIFT
from vitcnn.spec import TrainedCase
from vitcnn.training.predict import PREDICT_BATCH, confidences

BATCH_BYTES = 64 << 20
"""Bytes of grey levels, as floats, that are corrupted together: it bounds the memory that large images take."""

NUM_IMAGES_TO_COUNT = 8
"""Test images of the counting pass."""

Batch = tuple[int, Tensor, Tensor]
"""The number, the images, uint8 (batch, channels, px, px), and the labels (batch,) of a batch of the test part."""


def corrupted_test(case: TrainedCase, bench: Bench) -> Subject:
    """Return the subject whose run asks one trained seed about all corrupted test images."""
    setup = setup_of(case, bench)
    test = CorruptedTest(setup=setup, bench=bench, kinds=tuple(corruptions().values()))
    rounds = SeedRounds(test.seeds, begin=test.begin, run=test.run, end=test.end)
    return subject_of(
        setup,
        rounds,
        warm_up=test.warm_up,
        images_per_run=len(test.kinds) * NUM_SEVERITIES * len(setup.test),
        settings=test.settings,
        outcome=lambda: test.outcome(rounds.results),
        series=lambda trained: test.series(trained, rounds.results),
        counted=test.counted,
    )


@dataclass(kw_only=True)
class CorruptedTest:
    """What happens to a seed before, in and after its round; `right` collects which corrupted images it got right."""

    setup: Setup
    bench: Bench
    kinds: tuple[Corruption, ...]
    right: list[Tensor] = field(default_factory=list)
    warm_up_s: float = 0.0

    @property
    def seeds(self) -> range:
        """The seeds of the case."""
        return seeds_of(self.setup, self.bench)

    def begin(self, seed: int) -> Pupil:
        """Build and train the model, so that neither is timed."""
        pupil = trained_pupil(self.setup, self.bench, seed, self.setup.train, more_steps=len(self.kinds))
        pupil.model.eval()
        return pupil

    def run(self, pupil: Pupil) -> None:
        """Ask the model about all corrupted images; the answers stay on the device."""
        found = []
        for number, corruption in enumerate(self.kinds, 1):
            parts = [right_under(self.setup, pupil.model, corruption, batch) for batch in batches(self.setup)]
            found.append(torch.cat(parts, dim=1))
            self._tell(pupil.seed, number)
        self.right.append(torch.stack(found))

    def _tell(self, seed: int, number: int) -> None:
        epochs, of = self.setup.recipe.epochs, len(self.kinds)
        done = self.seeds.index(seed) * (epochs + of) + epochs + number
        text = f"seed {seed}: {number}/{of} corruptions, {self.kinds[number - 1].name}"
        self.bench.progress(done, len(self.seeds) * (epochs + of), text)

    def end(self, pupil: Pupil) -> SeedResult:
        """Ask the model about the images as they are, too."""
        assert pupil.history is not None
        self.right[-1] = self.right[-1].cpu()
        return result_of(self.setup, pupil.model, pupil.history)

    def warm_up(self) -> tuple[int, int]:
        """Train and ask a throw-away model, under each corruption too; return the plan: one round for each seed."""
        setup, seed = self.setup, self.seeds[0]
        start = setup.device.timer()
        train_and_ask(setup, new_model(setup, seed), few_batches(setup))
        model = new_model(setup, seed).eval()
        for corruption in self.kinds:
            right_under(setup, model, corruption, next(batches(setup)))
        self.warm_up_s = setup.device.timer() - start
        return len(self.seeds), 1

    def counted(self) -> Callable[[], object]:
        """Build a model of its own and return its answers about few images under each corruption: no seed's."""
        model = new_model(self.setup, WEIGHTS_SEED).to(memory_format=self.setup.layout).eval()
        number, images, labels = next(batches(self.setup))
        few = number, images[:NUM_IMAGES_TO_COUNT], labels[:NUM_IMAGES_TO_COUNT]
        return lambda: [right_under(self.setup, model, corruption, few) for corruption in self.kinds]

    @property
    def settings(self) -> dict[str, Any]:
        """What repeats the training and the corruptions, as JSON values."""
        described = [{"name": c.name, "unit": c.unit, "severities": list(c.severities)} for c in self.kinds]
        together = {"corruptions": described, "corrupted_together": batch_of(self.setup)}
        return {**self.setup.settings(self.seeds), **together}

    def outcome(self, results: list[SeedResult]) -> Trained:
        """Return what all seeds came to."""
        trained = trained_of(self.setup, results, self.warm_up_s)
        return replace(trained, right_under=torch.stack(self.right).numpy())

    def series(self, trained: Trained, results: list[SeedResult]) -> list[Series]:
        """Return the curves and answers, the accuracy under each corruption, and how often each image was right."""
        assert trained.right_under is not None
        accuracies, times = trained.accuracies_under_shift, trained.right_under.sum(axis=(1, 2))
        axes = ("seed", "corruption", "severity")
        return [
            *series_of(trained, [result.history for result in results], self.setup.objective),
            Series(name=UNDER_SHIFT, unit="1", axes=axes, values=nested(accuracies)),
            Series(name=TIMES_RIGHT, unit="1", axes=("seed", "image"), values=nested(np.asarray(times))),
        ]


def batch_of(setup: Setup) -> int:
    """Return how many test images are corrupted together, the same for every architecture."""
    floats = setup.data.test.images[0].size
    return min(PREDICT_BATCH, max(1, BATCH_BYTES // (4 * floats)))


def batches(setup: Setup) -> Iterator[Batch]:
    """Yield the batches of the test part, on the device."""
    test, together = setup.data.test, batch_of(setup)
    for number, start in enumerate(range(0, len(test.labels), together)):
        arrays = (array[start : start + together] for array in (test.images, test.labels))
        images, labels = (torch.from_numpy(array).to(setup.device.name) for array in arrays)
        yield number, images, labels


def right_under(setup: Setup, model: nn.Module, corruption: Corruption, batch: Batch) -> Tensor:
    """Return which images the model gets right at each severity from 1, bool (severities, batch)."""
    number, images, labels = batch
    worse = (corrupted(images, corruption, severity, seed=number) for severity in range(1, NUM_SEVERITIES + 1))
    return torch.stack([setup.objective.score(answers(setup, model, each), labels) for each in worse])


def answers(setup: Setup, model: nn.Module, images: Tensor) -> Tensor:
    """Return the model's answers, (batch,), about images, uint8 (batch, channels, px, px), of the task's resolution."""
    found = confidences(model, normalize(shrunk(images, setup.shape.px)), **setup.asked_by)
    return setup.objective.answers(found)
