"""95 % intervals of scores (seeds, images) over the seeds and the test images, both a sample of what could have been.

The mean of all scores spreads for three reasons: seeds differ, images differ, and seeds differ by image (the
interaction). Each is estimated by analysis of variance, seeds and images crossed. Three seeds know little of their own
spread, so theirs counts by Student's t, that of hundreds of images by the normal distribution:

    half-width^2 = t(seeds - 1)^2 V(seeds) + 1.96^2 V(images)

One seed shows no spread of seeds: its interval is over the images alone. How often these intervals hold the truth is
simulated by tools/simulate_intervals.py. Sequences that share images are no sample of their own: `image_scores` says
what each image did to their accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95

WITH_IMAGES = 0.25
"""Share of the interaction that counts with the images, the rest with the seeds: both variances hold it whole.

With a share of 0, intervals near 99 % hold the truth too often (over 98 %); with 1, too seldom (under 93 %) where
seeds differ little more than by image.
"""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate and its 95 % interval."""

    estimate: float
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether `value` lies in the interval."""
        return self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class Variances:
    """Variance of a mean of scores, by reason; `seeds` and `images` hold the interaction too.

    `dof` are the degrees of freedom of that of the seeds: 0 for one seed, of which nothing is known.
    """

    seeds: float
    images: float
    interaction: float
    dof: float

    def half_width(self) -> float:
        """Return half the width of the interval: never less than the interaction alone gives."""
        normal = _normal()
        seeds = max(self.seeds - WITH_IMAGES * self.interaction, 0)
        images = max(self.images - (1 - WITH_IMAGES) * self.interaction, 0)
        squared = (_student(self.dof) ** 2 * seeds if seeds else 0) + normal**2 * images
        return math.sqrt(max(squared, normal**2 * self.interaction))


def accuracy_interval(right: np.ndarray) -> Interval:
    """Return the share of right answers in `right`, (seeds, images) of 0 and 1 or of `image_scores`, and its interval.

    Wilson's, of as many answers as would spread as much had they nothing to do with each other: so it is skewed near 0
    and 1, and never beyond. Where all answers are alike, that is as many as there are images.
    """
    scores = right.astype(float)
    mean = min(max(float(scores.mean()), 0.0), 1.0)
    of_one = mean * (1 - mean)
    are_alike = not of_one or scores.min() == scores.max()
    ratio = _normal() ** 2 / scores.shape[1] if are_alike else variances(scores).half_width() ** 2 / of_one
    centre = (mean + ratio / 2) / (1 + ratio)
    half = math.sqrt(of_one * ratio + ratio**2 / 4) / (1 + ratio)
    return Interval(estimate=mean, low=max(0.0, centre - half), high=min(1.0, centre + half))


def paired_difference(ours: np.ndarray, theirs: np.ndarray) -> Interval:
    """Return the mean of `ours` less that of `theirs`, both (seeds, images) on the same images, and its interval.

    Seeds of the one have nothing to do with those of the other; an image that is hard for one is often hard for the
    other, which its difference leaves out. Where no image tells them apart, the interval is as wide as if one did. It
    ends at -1 and 1 where the mean of every seed is a share, as it is of answers that are right or wrong.
    """
    one, other = ours.astype(float), theirs.astype(float)
    estimate = float(one.mean() - other.mean())
    num_images = one.shape[1]
    half = _between(one, other).half_width() or _normal() / num_images
    means = np.concatenate([one.mean(axis=1), other.mean(axis=1)])
    bound = 1.0 if means.min() >= 0 and means.max() <= 1 else math.inf
    return Interval(estimate=estimate, low=max(-bound, estimate - half), high=min(bound, estimate + half))


def image_scores(right: np.ndarray, members: np.ndarray, *, num_images: int) -> np.ndarray:
    """Return scores (seeds, images) for sequences of images, whose mean over the images is the seed's accuracy.

    `right` says which sequences each seed got right, bool (seeds, sequences), and `members` which of `num_images`
    images they hold, int (sequences, places), -1 at an empty place. An image that two sequences hold makes both right
    or wrong, so their answers spread as the images do, by Hajek's projection: h of an image adds up, over the sequences
    that hold it (once for each place), by how much the answer differs from the mean of those of the same length, and is
    divided by the number of sequences. A score is the accuracy + num_images * shrunk * h.

    `shrunk`, 0..1, is one number for all: a sequence of n images lends each of them what it owes to the others, and so
    its own square counts n times in the spread; it is let count once. The spread is never less than that of sequences
    that share nothing. Sequences of one image each have `right` itself, where each image is used once.
    """
    num_seeds, num_sequences = right.shape
    is_image = members >= 0
    lengths = is_image.sum(axis=1)
    beyond = _beyond_its_length(right.astype(float), lengths)
    holding, _ = np.nonzero(is_image)
    added = [np.bincount(members[is_image], weights=seed[holding], minlength=num_images) for seed in beyond]
    h = np.reshape(added, (num_seeds, num_images)) / num_sequences
    accuracies = right.mean(axis=1, keepdims=True)
    return np.asarray(
        accuracies + num_images * _shrunk(h.mean(axis=0), beyond.mean(axis=0) / num_sequences, lengths) * h
    )


def _beyond_its_length(right: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return by how much each answer, (seeds, sequences), differs from the mean of those of the same length."""
    _, of_length, counts = np.unique(lengths, return_inverse=True, return_counts=True)
    means = [np.bincount(of_length, weights=seed) / counts for seed in right]
    return right - np.stack(means)[:, of_length]


def _shrunk(of_images: np.ndarray, of_sequences: np.ndarray, lengths: np.ndarray) -> float:
    """Return by what `of_images` is multiplied so that the square of each of the `of_sequences` counts once in it."""
    whole, alone = float((of_images**2).sum()), of_sequences**2
    once = max(whole - float(((lengths - 1) * alone).sum()), float(alone.sum()))
    return math.sqrt(min(once / whole, 1.0)) if whole else 1.0


def variances(scores: np.ndarray) -> Variances:
    """Return how far the mean of `scores`, (seeds, images), spreads."""
    num_seeds, num_images = scores.shape
    of_seeds, of_images = scores.mean(axis=1), scores.mean(axis=0)
    dof = num_seeds - 1
    interaction = 0.0
    if dof:
        rest = scores - of_seeds[:, None] - of_images + scores.mean()
        interaction = float((rest**2).sum()) / (dof * max(num_images - 1, 1)) / scores.size
    return Variances(
        seeds=_of_mean(of_seeds),
        images=_of_mean(of_images),
        interaction=interaction,
        dof=dof,
    )


def _between(one: np.ndarray, other: np.ndarray) -> Variances:
    """Return how far the difference of two means spreads, image by image; degrees of freedom by Welch."""
    both = variances(one), variances(other)
    return Variances(
        seeds=sum(entry.seeds for entry in both),
        images=_of_mean(one.mean(axis=0) - other.mean(axis=0)),
        interaction=sum(entry.interaction for entry in both),
        dof=_welch([(entry.seeds, entry.dof) for entry in both]),
    )


def _of_mean(values: np.ndarray) -> float:
    """Return the variance of the mean of `values`; 0 of one, which shows none."""
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0


def _welch(parts: Sequence[tuple[float, float]]) -> float:
    """Return the degrees of freedom of a sum of variances, each with its own."""
    known = [(variance, dof) for variance, dof in parts if variance]
    weights = sum(variance**2 / dof for variance, dof in known)
    return sum(variance for variance, _ in known) ** 2 / weights if weights else 0.0


def _student(dof: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(dof, (1 + CONFIDENCE) / 2))


def _normal() -> float:
    from scipy.special import ndtri

    return float(ndtri((1 + CONFIDENCE) / 2))
