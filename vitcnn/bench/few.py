"""Training on few images: which ones a seed draws, and for how long it trains on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import ceil, sqrt

import numpy as np

from vitcnn.bench.bench import Bench
from vitcnn.bench.seed_rounds import trained_subject
from vitcnn.bench.series import no_more_series
from vitcnn.bench.setup import Setup, setup_of
from vitcnn.bench.subject import Subject, Trained
from vitcnn.errors import TooFewImages
from vitcnn.recipes import Recipe, recipe
from vitcnn.record import Series
from vitcnn.spec import Split, TrainedCase
from vitcnn.training import Source

LEAST_BATCHES = 3
"""Batches of an epoch: of fewer images than make so many, the batches are smaller."""


def few_images_subject(
    case: TrainedCase,
    bench: Bench,
    num_train: int,
    *,
    more_series: Callable[[Trained], list[Series]] = no_more_series,
) -> Subject:
    """Return the subject whose run trains one seed on `num_train` images; TooFewImages where there are not as many.

    Only the last epoch is tested: few images make many epochs. `more_series` as in `trained_subject`.
    """
    setup, train_of = few_images_setup(case, bench, num_train)
    return trained_subject(setup, bench, train_of=train_of, more_series=more_series)


def few_images_setup(case: TrainedCase, bench: Bench, num_train: int) -> tuple[Setup, Callable[[int], Source]]:
    """Return the setup of a case on `num_train` images, and what draws those of a seed; TooFewImages as above."""
    every = bench.tasks.data(case.task, bench.progress).train
    there_are = len(every.labels)
    if num_train > there_are:
        raise TooFewImages(f"{case.task} has {there_are:,} training images, the case is on {num_train:,} of them")
    by = for_few(recipe(case.recipe), num_train, of=there_are)
    setup = setup_of(case, bench, by=by, train=few(every, num_train, seed=0))
    return setup, lambda seed: setup.source(few(every, num_train, seed=seed))


def for_few(whole: Recipe, count: int, *, of: int) -> Recipe:
    """Return the recipe for `count` of all training images, whose number is `of`.

    It shows the model sqrt(count / of) times as many images as `whole` does, each of them therefore more often, in
    batches of the recipe's size, but of a third of the images at most. On every fifth training image of `digits`
    (four seeds) lenet had 92.0 % after 100 images so, and 93.3 % after four times as long; vit_micro 89.3 and 90.9 %.
    After 500 images lenet had 97.7 %, and 98.6 % after 1.7 times as long; vit_micro 97.5 and 97.7 %.
    """
    batch = max(1, min(whole.batch, count // LEAST_BATCHES))
    seen = whole.epochs * max(1, of // whole.batch) * min(whole.batch, of) * sqrt(count / of)
    return replace(whole, batch=batch, epochs=ceil(seen / (count // batch * batch)))


def few(split: Split, count: int, *, seed: int) -> Split:
    """Return `count` images of `split`, of each class as many as of any other, but for one, while it has them."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(split.labels))
    labels = split.labels[order]
    rank = np.empty(len(labels), dtype=np.int64)  # an image's place among those of its class
    for label in np.unique(labels):
        of_label = np.flatnonzero(labels == label)
        rank[of_label] = np.arange(len(of_label))
    chosen = order[np.argsort(rank, kind="stable")[:count]]
    return Split(images=split.images[chosen], labels=split.labels[chosen])
