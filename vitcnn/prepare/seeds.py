"""Training from seed to seed, which all questions about accuracy share: one round of the clock is one seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vitcnn.architectures import architecture
from vitcnn.architectures.parts import parameters_by_part
from vitcnn.bench import Bench
from vitcnn.bench.models import model_settings, random_model
from vitcnn.bench.subject import Trained
from vitcnn.device import free_bytes
from vitcnn.inference.forward import memory_format
from vitcnn.inference.pretrained import weighted
from vitcnn.recipes import Recipe, recipe
from vitcnn.spec import AccuracyCase, Split
from vitcnn.training import Source, TrainingHistory, fit, num_batches, predict, shrunk_split, source_of

SNAPSHOT_BYTES = {"cpu": 1 << 30, "cuda": 8 << 30}
"""Memory for the weights that are kept to know the accuracy after each epoch; where it is short, of fewer epochs."""

SNAPSHOT_SHARE = 0.25
"""Share of the device's free memory that they take at most: the rest is for training."""
NUM_BATCHES_TO_COUNT = 2
"""Training batches of the counting pass: the first step of an optimiser, and one that is like all others."""


class SeedRuns:
    """Trains a fresh model for each seed of the bench's block, and keeps what each answered about the test part.

    Images larger than the model works at are shrunk once, on the device; smaller ones are enlarged in each step.
    Nothing is tested while the clock runs: the weights after each epoch are kept, and asked afterwards.
    """

    def __init__(self, case: AccuracyCase, bench: Bench) -> None:
        self.case, self.device, self.progress = case, bench.device, bench.progress
        self.architecture = architecture(case.architecture)
        self.task = bench.tasks.task(case.task)
        weights = recipe(case.recipe).weights
        self.weighted, self.weights = weighted(self.architecture, weights, self.task.shape.px)
        px = min(self.task.shape.px, self.architecture.model_px(self.task.shape.px))
        self.shape = replace(self.task.shape, px=px)
        self.data = bench.tasks.data(case.task, bench.progress)
        self.train, self.test = (self.source(shrunk_split(split, px, bench.device)) for split in self.splits())
        self.few = self.train.first(NUM_BATCHES_TO_COUNT * self.recipe.batch)
        self.layout = memory_format(self.architecture)
        first = bench.seed_block * case.num_seeds
        self.seeds = range(first, first + case.num_seeds)
        self.warm_up_s = 0.0
        self.histories: list[TrainingHistory] = []
        self.probabilities: list[Tensor] = []
        self.accuracies: list[list[float]] = []

    def splits(self) -> tuple[Split, Split]:
        """Return what is trained and tested on."""
        return self.data.train, self.data.test

    def source(self, split: Split) -> Source:
        """Return a split where training can take it from."""
        return source_of(split, self.device, num_classes=self.shape.num_classes)

    @property
    def turn(self) -> int:
        """How many seeds have had their turn."""
        return len(self.probabilities)

    @property
    def seed(self) -> int:
        """The seed whose turn it is; after the last one's, the first."""
        return self.seeds[self.turn % len(self.seeds)]

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that every seed trains by."""
        return recipe(self.case.recipe)

    @cached_property
    def meta_model(self) -> nn.Module:
        """The model without its weights: its size and its layers. A seed's own model is built before its round."""
        with torch.device("meta"):
            return self.architecture.build(self.shape)

    @cached_property
    def tested_epochs(self) -> tuple[int, ...]:
        """The epochs, from 1, after which the test accuracy is known: evenly spaced, the last one always."""
        num_bytes = sum(tensor.nbytes for tensor in self.meta_model.state_dict().values())
        room = min(SNAPSHOT_BYTES[self.device.kind], int(SNAPSHOT_SHARE * free_bytes(self.device)))
        count = min(self.recipe.epochs, max(1, room // num_bytes))
        return tuple(dict.fromkeys(np.linspace(0, self.recipe.epochs, count + 1).round().astype(int).tolist()[1:]))

    def build(self) -> nn.Module:
        """Build the model of the seed whose turn it is: its head is random, and all else but for the hub's weights."""
        return random_model(self.weighted, self.shape, self.device, self.seed)

    def fit(self, model: nn.Module, train: Source, **settings: Any) -> TrainingHistory:
        """Train `model` as the case says."""
        how = {"layout": self.layout, "precision": self.case.precision, "mode": self.case.mode}
        return fit(model, train, device=self.device, **{"recipe": self.recipe, **how, **settings})

    def predict(self, model: nn.Module, split: Source) -> Tensor:
        """Return the probability of every class for every image of `split`, (count, classes), on the host."""
        test_time = self.recipe.test_time
        return predict(model, split, precision=self.case.precision, layout=self.layout, test_time=test_time)

    def warm_up(self) -> float:
        """Train and ask a throw-away model on two batches, so that first-call costs are not the first seed's."""
        start = self.device.timer()
        model, few = self.build(), self.train.first(2 * self.recipe.batch)
        self.fit(model, few, recipe=replace(self.recipe, epochs=1), seed=0)
        self.predict(model, few)
        self.warm_up_s = self.device.timer() - start
        return 0.0

    def counted(self) -> Callable[[], object]:
        """Build a model of its own and return its training on few images and its answers about them: no seed's."""
        model, once = random_model(self.weighted, self.shape, self.device), replace(self.recipe, epochs=1)

        def train_and_ask() -> None:
            self.fit(model, self.few, recipe=once, seed=0)
            self.predict(model, self.few)

        return train_and_ask

    def before_round(self) -> None:
        """Build the model, so that building is not timed."""
        self.model = self.build()

    def run(self) -> None:
        """Train the model."""
        told = partial(self.report_progress, self.turn)
        history = self.fit(self.model, self.train, seed=self.seed, keep=self.tested_epochs[:-1], after_epoch=told)
        self.histories.append(history)

    def after_round(self) -> None:
        """Ask the trained model about the test part, and what it was after each epoch."""
        last = self.predict(self.model, self.test)
        accuracies = []
        for weights in self.histories[-1].snapshots.values():
            self.model.load_state_dict(weights)
            accuracies.append(self.accuracy(self.predict(self.model, self.test)))
        self.histories[-1].snapshots.clear()
        self.accuracies.append([*accuracies, self.accuracy(last)])
        self.probabilities.append(last)

    def accuracy(self, probabilities: Tensor) -> float:
        """Return the share of the test images whose likeliest class is their own."""
        return float((probabilities.argmax(dim=1).numpy() == self.data.test.labels).mean())

    def report_progress(self, turn: int, epoch: int, loss: float) -> None:
        """Say how far the training of all seeds has come."""
        epochs = self.recipe.epochs
        text = f"seed {self.seeds[turn]}: {epoch}/{epochs} epochs, loss {loss:.3f}"
        self.progress(turn * epochs + epoch, self.case.num_seeds * epochs, text)

    def trained(self) -> Trained:
        """Return what the seeds came to."""
        ends = [[history.epoch_ends_s[epoch - 1] for epoch in self.tested_epochs] for history in self.histories]
        return Trained(
            labels=self.data.test.labels,
            probabilities=torch.stack(self.probabilities).numpy(),
            epochs=self.tested_epochs,
            accuracies=np.array(self.accuracies),
            ends_s=np.array(ends),
            target_accuracy=self.task.target_accuracy,
            warm_up_s=self.warm_up_s,
        )

    @property
    def images_per_run(self) -> int:
        """Images that one seed trains on, again and again."""
        return self.recipe.epochs * min(len(self.train), num_batches(self.train, self.recipe) * self.recipe.batch)

    def settings(self) -> dict[str, Any]:
        """Return what repeats the training, as JSON values."""
        return {
            **model_settings(self.architecture, self.shape, self.meta_model),
            "parameters_by_part": parameters_by_part(self.meta_model),
            **self.weights,
            "seeds": list(self.seeds),
            "recipe": asdict(self.recipe),
            "classes": list(self.task.classes),
            "target_accuracy": self.task.target_accuracy,
            "data_sha256": self.data.sha256,
            **self.data.settings,
            "num_train_images": len(self.train),
            "num_test_images": len(self.test),
        }
