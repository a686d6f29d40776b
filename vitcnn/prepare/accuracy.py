"""Accuracy after short training: one round of the clock is one seed's training."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial

import torch
from torch import nn

from vitcnn.architectures import architecture
from vitcnn.bench import Bench
from vitcnn.inference.forward import memory_format
from vitcnn.metrics.test_accuracy import LABELS, PREDICTIONS
from vitcnn.prepare.batches import model_settings, random_model
from vitcnn.recipes import recipe
from vitcnn.record import Series
from vitcnn.spec import AccuracyCase
from vitcnn.subject import Subject
from vitcnn.timing import Rounds
from vitcnn.training import Resident, TrainingHistory, fit, predict


class SeedRuns:
    """Trains a fresh model for each seed, 0, 1, 2 ..., and keeps what each answered about the test part.

    Images larger than the model works at are shrunk once, on the device; smaller ones are enlarged in each step.
    """

    def __init__(self, case: AccuracyCase, bench: Bench) -> None:
        self.case, self.device, self.progress = case, bench.device, bench.progress
        self.architecture, self.recipe = architecture(case.architecture), recipe(case.recipe)
        self.task = bench.tasks.task(case.task)
        px = min(self.task.shape.px, self.architecture.model_px(self.task.shape.px))
        self.shape = replace(self.task.shape, px=px)
        self.data = bench.tasks.data(case.task, bench.progress)
        self.train, self.test = (
            Resident.of(split, bench.device).shrunk_to(px) for split in (self.data.train, self.data.test)
        )
        self.fit = partial(
            fit,
            device=bench.device,
            layout=memory_format(self.architecture),
            precision=case.precision,
            mode=case.mode,
        )
        self.histories: list[TrainingHistory] = []
        self.predictions: list[tuple[int, ...]] = []

    @property
    def seed(self) -> int:
        """The seed whose turn it is."""
        return len(self.predictions)

    def build(self) -> nn.Module:
        """Build the model with the random weights of the seed whose turn it is."""
        return random_model(self.architecture, self.shape, self.device, self.seed)

    def warm_up(self) -> float:
        """Train and ask a throw-away model on two batches, so that first-call costs are not the first seed's."""
        count, model = 2 * self.recipe.batch, self.build()
        few = Resident(images=self.train.images[:count], labels=self.train.labels[:count])
        self.fit(model, few, recipe=replace(self.recipe, epochs=1), seed=0)
        predict(model, few, precision=self.case.precision)
        return 0.0

    def before_round(self) -> None:
        """Build the model, so that building is not timed."""
        self.model = self.build()

    def run(self) -> None:
        """Train the model."""
        history = self.fit(self.model, self.train, recipe=self.recipe, seed=self.seed, after_epoch=self.report_progress)
        self.histories.append(history)

    def after_round(self) -> None:
        """Ask the trained model about the test part."""
        answers = predict(self.model, self.test, precision=self.case.precision)
        self.predictions.append(tuple(answers.tolist()))

    def report_progress(self, epoch: int, loss: float) -> None:
        """Say how far the training of all seeds has come."""
        epochs = self.recipe.epochs
        text = f"{self.case.architecture}, seed {self.seed}, loss {loss:.3f}"
        self.progress(self.seed * epochs + epoch, self.case.num_seeds * epochs, text)

    def series(self) -> list[Series]:
        """Return the curves and the answers of all seeds."""
        losses = tuple(history.losses for history in self.histories)
        return [
            Series(name="training_loss", unit="nat", axes=("seed", "epoch"), values=losses),
            Series(name="learning_rate", unit="1", axes=("epoch",), values=self.histories[0].learning_rates),
            Series(name=PREDICTIONS, unit="class", axes=("seed", "image"), values=tuple(self.predictions)),
            Series(name=LABELS, unit="class", axes=("image",), values=tuple(self.data.test.labels.tolist())),
        ]


def prepare_accuracy(case: AccuracyCase, bench: Bench) -> Subject:
    """Return the subject whose run trains one seed."""
    runs = SeedRuns(case, bench)
    with torch.device("meta"):  # a seed's own model is built before its round
        model = runs.architecture.build(runs.shape)
    images_per_epoch = runs.train.num_batches(runs.recipe.batch) * runs.recipe.batch
    return Subject(
        case=case,
        architecture=runs.architecture,
        device=bench.device,
        shape=runs.shape,
        model=nn.Identity(),
        run=runs.run,
        warm_up=runs.warm_up,
        rounds=Rounds(at_least=case.num_seeds, at_most=case.num_seeds, budget_s=0.0),
        images_per_run=runs.recipe.epochs * images_per_epoch,
        settings={
            **model_settings(runs.architecture, runs.shape, model),
            "recipe": asdict(runs.recipe),
            "classes": list(runs.task.classes),
            "data_sha256": runs.data.sha256,
            **runs.data.settings,
            "num_train_images": len(runs.train.labels),
            "num_test_images": len(runs.test.labels),
        },
        before_round=runs.before_round,
        after_round=runs.after_round,
        series=runs.series,
    )
