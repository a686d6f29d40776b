"""Share of the test images that the last epoch's model classifies right, 0..1; one sample a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vitcnn.answers import answers
from vitcnn.metrics.metric import Metric, one_percent
from vitcnn.record import Record

if TYPE_CHECKING:
    from vitcnn.subject import Subject

CONFIDENCE = 0.95
NUM_RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate and its 95 % interval."""

    estimate: float
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether `value` lies in the interval."""
        return self.low <= value <= self.high


def measure(subject: Subject) -> Sequence[float]:
    """Return each seed's accuracy."""
    assert subject.trained is not None
    trained = subject.trained()
    return [float(right.mean()) for right in trained.predictions == trained.labels]


def correct(record: Record) -> np.ndarray:
    """Return which test images each seed of an accuracy record got right, bool (seeds, images)."""
    return answers(record).right


def accuracy_interval(scores: np.ndarray) -> Interval:
    """Return the mean of `scores`, (seeds, images), and its interval over seeds and images, both resampled.

    Where all answers are alike, resampling them shows no spread: then it is Wilson's interval over the images.
    """
    if scores.min() == scores.max():
        from scipy.stats import binomtest

        count = scores.shape[1]
        wilson = binomtest(int(scores[0].sum()), count).proportion_ci(CONFIDENCE, method="wilson")
        return Interval(estimate=float(scores.mean()), low=float(wilson.low), high=float(wilson.high))
    return _bootstrap(scores.astype(float))


def paired_difference(ours: np.ndarray, theirs: np.ndarray) -> Interval:
    """Return the mean of `ours - theirs`, both (seeds, images) on the same images, and its interval.

    Images are resampled together for both, since both saw the same ones; seeds are resampled for each.
    """
    rng = np.random.default_rng(0)
    images = _multiplicities(rng, ours.shape[1])
    resampled = _means(rng, ours.astype(float), images) - _means(rng, theirs.astype(float), images)
    return _interval(float(ours.mean() - theirs.mean()), resampled)


def _bootstrap(scores: np.ndarray) -> Interval:
    rng = np.random.default_rng(0)
    return _interval(float(scores.mean()), _means(rng, scores, _multiplicities(rng, scores.shape[1])))


def _multiplicities(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return how often each of `count` items is drawn in each resample, (resamples, count)."""
    return rng.multinomial(count, np.full(count, 1 / count), size=NUM_RESAMPLES)


def _means(rng: np.random.Generator, scores: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return the mean score of each resample, (resamples,), drawing seeds anew for it."""
    seeds = _multiplicities(rng, scores.shape[0])
    return np.einsum("rs,si,ri->r", seeds, scores, images, optimize=True) / scores.size


def _interval(estimate: float, resampled: np.ndarray) -> Interval:
    low, high = np.quantile(resampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(estimate=estimate, low=float(low), high=float(high))


TEST_ACCURACY = Metric(
    name="test_accuracy",
    unit="1",
    better="higher",
    tolerance=one_percent,
    rule="score",
    questions=("accuracy", "data_efficiency"),
    measure=measure,
)
