"""Computes results by class with scikit-learn: the confusion matrix, the accuracy of each class and ROC AUC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from vitcnn.errors import Diverged

if TYPE_CHECKING:
    from vitcnn.bench.subject import Trained

FALSE_POSITIVE_RATES = np.array([0.0, *np.logspace(-4, 0, 40)])
"""At which a record keeps ROC curves: those of good models rise where false positives are few."""


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

    is_of_class = one_against_the_rest(trained)
    if is_of_class is None:
        return ()
    return [float(roc_auc_score(is_of_class, seed, average=average)) for seed in trained.confidences]


def roc_curves(trained: Trained) -> np.ndarray | None:
    """Return each seed's true positive rates at FALSE_POSITIVE_RATES, (seeds, rates), over all decisions (micro).

    Between the thresholds that there are, a straight line, as in the area. None where there is no area; raises as it.
    """
    from sklearn.metrics import roc_curve

    is_of_class = one_against_the_rest(trained)
    if is_of_class is None:
        return None
    curves = []
    for seed in trained.confidences:
        false, true, _ = roc_curve(is_of_class.ravel(), seed.ravel())
        curves.append(np.interp(FALSE_POSITIVE_RATES, false, true))  # where it goes straight up, the top counts
    return np.stack(curves)


def one_against_the_rest(trained: Trained) -> np.ndarray | None:
    """Return which test image is of which class, bool (images, classes); None and Diverged as `roc_auc` says."""
    if not trained.has_classes:
        return None
    if not np.isfinite(trained.confidences).all():
        do = "lower the peak_learning_rate or lengthen the warm-up"
        raise Diverged(f"the trained model's answers hold NaN, though its losses were finite: {do}")
    is_of_class: np.ndarray = trained.labels[:, None] == np.arange(trained.confidences.shape[2])
    has_both = is_of_class.any(axis=0).all() and not is_of_class.all(axis=0).any()
    return is_of_class if has_both else None
