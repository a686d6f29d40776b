"""Makes the series in the record of a trained case: curves, answers, and the results of each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vitcnn.bench.by_class import class_accuracies, confusion_matrices
from vitcnn.bench.subject import Trained
from vitcnn.record import Series
from vitcnn.record.answers import LABELS, PREDICTIONS
from vitcnn.training import Objective, TrainingHistory


def series_of(trained: Trained, histories: Sequence[TrainingHistory], objective: Objective) -> list[Series]:
    """Return the curves and the answers of all seeds."""
    losses = tuple(history.losses for history in histories)
    per_seed = {"axes": ("seed", "tested_epoch")}
    return [
        Series(name="training_loss", unit=objective.loss_unit, axes=("seed", "epoch"), values=losses),
        Series(name="learning_rate", unit="1", axes=("epoch",), values=histories[0].learning_rates),
        Series(name="tested_epoch", unit="epoch", axes=("tested_epoch",), values=trained.epochs),
        Series(name="test_accuracy", unit="1", values=nested(trained.accuracies), **per_seed),
        Series(name="training_time_s", unit="s", values=nested(trained.ends_s), **per_seed),
        Series(name=PREDICTIONS, unit="class", axes=("seed", "image"), values=nested(trained.predictions)),
        Series(name=LABELS, unit="class", axes=("image",), values=nested(trained.labels)),
        *(of_each_class(trained) if trained.has_classes else []),
    ]


def of_each_class(trained: Trained) -> list[Series]:
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
