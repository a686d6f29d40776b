"""Robustness: one round of the clock is one seed's answers about all corrupted test images; it was trained before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vitcnn.bench import Bench
from vitcnn.bench.models import random_model
from vitcnn.bench.subject import Subject
from vitcnn.corruptions import NUM_SEVERITIES, Corruption, corrupted, corruptions
from vitcnn.images import normalize, shrunk
from vitcnn.metrics.mean_relative_accuracy import UNDER_SHIFT
from vitcnn.prepare.accuracy import nested, series, training_runs
from vitcnn.prepare.seeds import SeedRuns
from vitcnn.record import Series
from vitcnn.record.answers import TIMES_RIGHT
from vitcnn.spec import RobustnessCase
from vitcnn.training.predict import PREDICT_BATCH, probabilities

BATCH_BYTES = 64 << 20
"""Bytes of grey levels, as floats, that are corrupted together: it bounds the memory that large images take."""

NUM_IMAGES_TO_COUNT = 8
"""Test images of the counting pass."""


class CorruptedTest(SeedRuns):
    """Trains each seed, then asks it about the test images under each corruption at each severity.

    Every architecture and seed sees the same corrupted images: they are corrupted at the task's own resolution, by
    draws that only their places decide, before they are shrunk for a model that works at a smaller one.
    """

    case: RobustnessCase

    def __init__(self, case: RobustnessCase, bench: Bench) -> None:
        super().__init__(case, bench)
        self.right: list[Tensor] = []

    @cached_property
    def tested_epochs(self) -> tuple[int, ...]:
        """The last epoch alone, since that one is corrupted."""
        return (self.recipe.epochs,)

    @cached_property
    def batch(self) -> int:
        """Test images that are corrupted together, the same for every architecture."""
        floats = self.data.test.images[0].size
        return min(PREDICT_BATCH, max(1, BATCH_BYTES // (4 * floats)))

    def warm_up(self) -> float:
        """Train and ask a throw-away model, under each corruption too."""
        super().warm_up()
        self.model = self.build().eval()
        start = self.device.timer()
        for corruption in corruptions().values():
            self.right_under(corruption, next(self.batches()))
        self.warm_up_s += self.device.timer() - start
        return 0.0

    def counted(self) -> Callable[[], object]:
        """Build a model of its own and return its answers about few images under each corruption: no seed's."""
        self.model = random_model(self.weighted, self.shape, self.device).to(memory_format=self.layout).eval()
        number, images, labels = next(self.batches())
        few = number, images[:NUM_IMAGES_TO_COUNT], labels[:NUM_IMAGES_TO_COUNT]
        return lambda: [self.right_under(corruption, few) for corruption in corruptions().values()]

    def before_round(self) -> None:
        """Build and train the model, so that neither is timed."""
        super().before_round()
        super().run()

    def run(self) -> None:
        """Ask the model about all corrupted images; the answers stay on the device."""
        self.model.eval()
        right = []
        for number, corruption in enumerate(corruptions().values(), 1):
            right.append(torch.cat([self.right_under(corruption, batch) for batch in self.batches()], dim=1))
            text = f"seed {self.seed}: {number}/{len(corruptions())} corruptions, {corruption.name}"
            self.progress(self.turn * self.steps + self.recipe.epochs + number, self.case.num_seeds * self.steps, text)
        self.right.append(torch.stack(right))

    def after_round(self) -> None:
        """Ask the model about the images as they are, too."""
        super().after_round()
        self.right[-1] = self.right[-1].cpu()

    def batches(self) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield the number, the images, uint8, and the labels of each batch of the test part, on the device."""
        test = self.data.test
        for number, start in enumerate(range(0, len(test.labels), self.batch)):
            arrays = (array[start : start + self.batch] for array in (test.images, test.labels))
            images, labels = (torch.from_numpy(array).to(self.device.name) for array in arrays)
            yield number, images, labels

    def right_under(self, corruption: Corruption, batch: tuple[int, Tensor, Tensor]) -> Tensor:
        """Return which images the model gets right at each severity from 1, bool (severities, batch)."""
        number, images, labels = batch
        return torch.stack(
            [
                self.answers(corrupted(images, corruption, severity, seed=number)) == labels
                for severity in range(1, NUM_SEVERITIES + 1)
            ]
        )

    def answers(self, images: Tensor) -> Tensor:
        """Return the likeliest class of each image, uint8 (batch, channels, px, px) of the task's resolution."""
        return probabilities(
            self.model,
            normalize(shrunk(images, self.shape.px)),
            precision=self.case.precision,
            layout=self.layout,
            test_time=self.recipe.test_time,
        ).argmax(dim=1)

    @property
    def steps(self) -> int:
        """How many times a seed reports its progress."""
        return self.recipe.epochs + len(corruptions())

    def report_progress(self, seed: int, epoch: int, loss: float) -> None:
        """Say how far all seeds have come; their answers are still to come."""
        text = f"seed {self.seeds[seed]}: {epoch}/{self.recipe.epochs} epochs, loss {loss:.3f}"
        self.progress(seed * self.steps + epoch, self.case.num_seeds * self.steps, text)

    @property
    def images_per_run(self) -> int:
        """Corrupted images that one seed is asked about."""
        return len(corruptions()) * NUM_SEVERITIES * len(self.data.test.labels)

    def settings(self) -> dict[str, Any]:
        """Return what repeats the training and the corruptions, as JSON values."""
        described = [
            {"name": entry.name, "unit": entry.unit, "severities": list(entry.severities)}
            for entry in corruptions().values()
        ]
        return {**super().settings(), "corruptions": described, "corrupted_together": self.batch}


def prepare_robustness(case: RobustnessCase, bench: Bench) -> Subject:
    """Return the subject whose run asks one trained seed about the corrupted test images."""
    runs = CorruptedTest(case, bench)
    return replace(training_runs(runs), series=lambda: [*series(runs), *series_under_shift(runs)])


def series_under_shift(runs: CorruptedTest) -> list[Series]:
    """Return the accuracy under each corruption at each severity, 0 being none, and how often each image was right."""
    right = torch.stack(runs.right).numpy()  # (seeds, corruptions, severities, images)
    clean = np.array(runs.accuracies)[:, -1]
    under_each = right.mean(axis=3)
    first = np.broadcast_to(clean[:, None, None], (*under_each.shape[:2], 1))
    accuracies = np.concatenate([first, under_each], axis=2)
    times = right.sum(axis=(1, 2))
    return [
        Series(name=UNDER_SHIFT, unit="1", axes=("seed", "corruption", "severity"), values=nested(accuracies)),
        Series(name=TIMES_RIGHT, unit="1", axes=("seed", "image"), values=nested(times)),
    ]
