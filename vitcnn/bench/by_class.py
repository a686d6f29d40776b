"""Computes results by class with scikit-learn: the confusion matrix, the accuracy of each class and ROC AUC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from vitcnn.errors import Diverged

if TYPE_CHECKING:
    from vitcnn.bench.subject import Trained


def confusion_matrices(trained: Trained) -> np.ndarray:
    """Return how many test images of each class each seed's model took for which: int64 (seeds, true, predicted)."""
    from sklearn.metrics import confusion_matrix

    classes = range(trained.confidences.shape[2])
    return np.stack([confusion_matrix(trained.labels, seed, labels=classes) for seed in trained.predictions])


def class_accuracies(trained: Trained) -> np.ndarray:
    """Return the share of each class's test images that each seed's model got right, (seeds, classes).

    A class without a test image has NaN.
    """
    from sklearn.metrics import recall_score

    classes = range(trained.confidences.shape[2])
    return np.stack(
        [
            recall_score(trained.labels, seed, labels=classes, average=None, zero_division=np.nan)
            for seed in trained.predictions
        ]
    )


def roc_auc(trained: Trained, average: Literal["macro", "micro"]) -> Sequence[float]:
    """Return the area under each seed's ROC curve, one class against the rest, averaged over classes or decisions.

    None where a class has no test image, or all of them, or the answers are not classes. Raises Diverged where a
    probability is not a number.
    """
    from sklearn.metrics import roc_auc_score

    if not trained.has_classes:
        return ()
    if not np.isfinite(trained.confidences).all():
        do = "lower the peak_learning_rate or lengthen the warm-up"
        raise Diverged(f"the trained model's answers hold NaN, though its losses were finite: {do}")
    is_of_class = trained.labels[:, None] == np.arange(trained.confidences.shape[2])
    if not is_of_class.any(axis=0).all() or is_of_class.all(axis=0).any():
        return ()
    return [float(roc_auc_score(is_of_class, seed, average=average)) for seed in trained.confidences]
