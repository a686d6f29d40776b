"""Defines how good a model is on clean and on corrupted test images, and what share it keeps, for each seed.

The mean relative accuracy is the mean, over all corruptions and severities, of the accuracy on the corrupted images
divided by that on the same images as they are: 1 where nothing is lost. A model that guesses loses nothing, and the
share rises where the clean accuracy falls: so the two accuracies are judged, not their ratio. (The relative measures of
Hendrycks and Dietterich, arXiv 1903.12261, set errors beside AlexNet's; there is no such reference for small images.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vitcnn.metrics.trained import score
from vitcnn.record import Record
from vitcnn.record.answers import UNDER_SHIFT, answers

if TYPE_CHECKING:
    from vitcnn.bench.subject import Trained

READS = "answers under shift"


def relative_accuracy(trained: Trained) -> Sequence[float]:
    """Return each seed's share; none where a seed was wrong about every image, so that there is nothing to keep."""
    return relative_accuracies(trained.accuracies_under_shift)


def clean_accuracy(trained: Trained) -> Sequence[float]:
    """Return each seed's accuracy on the images as they are."""
    found: list[float] = trained.accuracies_under_shift[:, 0, 0].tolist()
    return found


def corrupted_accuracy(trained: Trained) -> Sequence[float]:
    """Return each seed's accuracy on the corrupted images."""
    found: list[float] = trained.accuracies_under_shift[:, :, 1:].mean(axis=(1, 2)).tolist()
    return found


def relative_accuracies(values: Sequence[object] | np.ndarray) -> tuple[float, ...]:
    """Return each seed's mean relative accuracy from accuracies (seeds, corruptions, severities from 0)."""
    accuracies = np.asarray(values, dtype=float)
    clean = accuracies[:, :, :1]
    return tuple((accuracies[:, :, 1:] / clean).mean(axis=(1, 2)).tolist()) if clean.all() else ()


def relative_scores(record: Record) -> np.ndarray:
    """Return scores, (seeds, images), whose mean over the images is the seed's mean relative accuracy.

    Resampled as accuracies are, they show how far that ratio of two means spreads: they are its linear part (the delta
    method).
    """
    accuracies = next(series.values for series in record.series if series.name == UNDER_SHIFT)
    found, num_corrupted = answers(record), np.asarray(accuracies)[0, :, 1:].size
    under_shift, clean = found.times_right / num_corrupted, found.right.astype(float)
    means = clean.mean(axis=1, keepdims=True)
    ratios = under_shift.mean(axis=1, keepdims=True) / means
    return ratios + (under_shift - ratios * clean) / means


CLEAN_ACCURACY = score("clean_accuracy", READS, clean_accuracy, rule="score")
"""Share of the test images, as they are, that a seed classifies right."""

CORRUPTED_ACCURACY = score("corrupted_accuracy", READS, corrupted_accuracy, rule="score")
"""Share of the corrupted test images that a seed classifies right, the mean over all corruptions and severities."""

MEAN_RELATIVE_ACCURACY = score("mean_relative_accuracy", READS, relative_accuracy)
"""What share of its accuracy a seed keeps on the corrupted images, the mean over all corruptions and severities."""
