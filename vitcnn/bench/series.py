"""Makes the series in the record of a trained case: curves, answers, and the results of each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vitcnn.bench.by_class import FALSE_POSITIVE_RATES, class_accuracies, confusion_matrices, roc_curves
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


def of_roc_curves(trained: Trained) -> list[Series]:
    """Return each seed's ROC curve over all decisions, one class against the rest; none where there is no area."""
    curves = roc_curves(trained)
    if curves is None:
        return []
    rates = nested(FALSE_POSITIVE_RATES)
    return [
        Series(name="false_positive_rate", unit="1", axes=("false_positive_rate",), values=rates),
        Series(name="roc_curve", unit="1", axes=("seed", "false_positive_rate"), values=nested(curves)),
    ]


def no_more_series(_trained: Trained) -> list[Series]:
    """Return no series."""
    return []


def nested(array: np.ndarray) -> tuple[Any, ...]:
    """Return an array as tuples of tuples."""
    return tuple(nested(row) if row.ndim else row.item() for row in array)
