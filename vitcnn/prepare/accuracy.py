"""Accuracy after short training: one round of the clock is one seed's training."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from vitcnn.bench import Bench
from vitcnn.bench.rounds import Rounds
from vitcnn.bench.subject import Subject, Trained
from vitcnn.metrics.by_class import class_accuracies, confusion_matrices
from vitcnn.prepare.seeds import SeedRuns
from vitcnn.record import Series
from vitcnn.record.answers import LABELS, PREDICTIONS
from vitcnn.spec import AccuracyCase


def prepare_accuracy(case: AccuracyCase, bench: Bench) -> Subject:
    """Return the subject whose run trains one seed."""
    return training_runs(SeedRuns(case, bench))


def training_runs(runs: SeedRuns) -> Subject:
    """Return the subject whose run trains one of the seeds."""
    return Subject(
        case=runs.case,
        architecture=runs.architecture,
        device=runs.device,
        shape=runs.shape,
        model=nn.Identity(),
        run=runs.run,
        warm_up=runs.warm_up,
        rounds=Rounds(at_least=runs.case.num_seeds, at_most=runs.case.num_seeds, budget_s=0.0),
        images_per_run=runs.images_per_run,
        settings=runs.settings(),
        before_round=runs.before_round,
        after_round=runs.after_round,
        series=lambda: series(runs),
        trained=runs.trained,
        counted=runs.counted,
    )


def series(runs: SeedRuns) -> list[Series]:
    """Return the curves and the answers of all seeds."""
    trained = runs.trained()
    losses = tuple(history.losses for history in runs.histories)
    per_seed = {"axes": ("seed", "tested_epoch")}
    return [
        Series(name="training_loss", unit="nat", axes=("seed", "epoch"), values=losses),
        Series(name="learning_rate", unit="1", axes=("epoch",), values=runs.histories[0].learning_rates),
        Series(name="tested_epoch", unit="epoch", axes=("tested_epoch",), values=trained.epochs),
        Series(name="test_accuracy", unit="1", values=nested(trained.accuracies), **per_seed),
        Series(name="training_time_s", unit="s", values=nested(trained.ends_s), **per_seed),
        Series(name=PREDICTIONS, unit="class", axes=("seed", "image"), values=nested(trained.predictions)),
        Series(name=LABELS, unit="class", axes=("image",), values=nested(trained.labels)),
        *by_class(trained),
    ]


def by_class(trained: Trained) -> list[Series]:
    """Return what became of each class; the accuracies only where every class has a test image."""
    matrices, accuracies = confusion_matrices(trained), class_accuracies(trained)
    axes = ("seed", "true_class", "predicted_class")
    confusion = Series(name="confusion_matrix", unit="image", axes=axes, values=nested(matrices))
    if np.isnan(accuracies).any():
        return [confusion]
    return [Series(name="class_accuracy", unit="1", axes=("seed", "class"), values=nested(accuracies)), confusion]


def nested(array: np.ndarray) -> tuple[Any, ...]:
    """Return an array as tuples of tuples."""
    return tuple(nested(row) if row.ndim else row.item() for row in array)
