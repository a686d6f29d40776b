"""Sums of digits, and anchors: sequences of up to ten images of `digits`, `glyphs` or `mnist`.

`digit_sum_*`: what do the digits add up to? `digit_anchor_*`: does the digit of the first image, the anchor, occur in
the sequence? Training sees other sequences in each epoch; the test part has as many as images, always the same ones.
`*_published_*` are the study's own sequences, its training part the same in each epoch. They are runs of consecutive
images, whose digits must be in random order. Those of `digits` are not (0, 1, 2, ... in many places), so its images are
first put in an order that a fixed seed draws. `longer` are test sequences of 11 to 20 images, which the study does
not have: they are drawn for its tasks too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from vitcnn.spec import Data, InputShape, Progress, Split, Task
from vitcnn.tasks.digits import DIGITS
from vitcnn.tasks.download import ensure
from vitcnn.tasks.glyphs import GLYPHS
from vitcnn.tasks.idx import MNIST
from vitcnn.tasks.sampling import (
    LONGEST,
    Sequences,
    drawn_anchors,
    drawn_sums,
    published_anchors,
    published_sums,
)

LONGER = (11, 20)
"""Images of the shortest and of the longest sequence of `Data.longer`."""

TRAIN_SEED, TEST_SEED, LONGER_SEED, ORDER_SEED = 0, 1, 2, 3

LARGEST_SUM = 9 * LONGEST

STUDY = "study E (kobybibas, vit_for_mnist, 2025)"
SHUFFLED = ", in an order drawn by a fixed seed"

SUM_TARGET, ANCHOR_TARGET = 0.66, 0.92
"""What the study's Transformers reached on MNIST."""

FEW_SUM_TARGET, FEW_ANCHOR_TARGET = 0.6, 0.9
"""A little less, on a fortieth of the images: who reads 91 of 100 digits right reads 62 of 100 sequences right."""


def load_sequences(source: Task, *, anchored: bool, published: bool, data_root: Path, progress: Progress) -> Data:
    """Return sequences of the images of a task, each part of its own images."""
    images = source.loader(data_root, progress)
    draw = drawn_anchors if anchored else drawn_sums
    train, test = images.train, images.test
    shuffled = published and source is DIGITS
    if published:
        arrange = published_anchors if anchored else published_sums
        parts = [_split(part, arrange(part.labels, _order(len(part.labels), shuffled))) for part in (train, test)]
    else:
        anew = partial(draw, train.labels, 1, LONGEST)
        parts = [_split(train, anew(TRAIN_SEED), anew), _split(test, draw(test.labels, 1, LONGEST, TEST_SEED))]
    described = {
        "generator": "published" if published else "drawn, for training anew in each epoch",
        "lengths": [1, LONGEST],
        "longer_lengths": list(LONGER),
        **({"order_seed": ORDER_SEED} if shuffled else {}),
    }
    longer = _split(test, draw(test.labels, *LONGER, LONGER_SEED))
    return Data(train=parts[0], test=parts[1], longer=longer, settings={**images.settings, "sequences": described})


def _split(images: Split, found: Sequences, anew: Callable[[int], Sequences] | None = None) -> Split:
    members, labels = found
    return Split(images=images.images, labels=labels, members=members, drawn_anew=anew)


def _order(count: int, shuffled: bool) -> np.ndarray:
    return np.random.default_rng(ORDER_SEED).permutation(count) if shuffled else np.arange(count)


def _task(source: Task, *, anchored: bool = False, published: bool = False) -> Task:
    name = f"digit_{'anchor' if anchored else 'sum'}_{'published_' if published else ''}{source.name}"
    targets = (FEW_SUM_TARGET, FEW_ANCHOR_TARGET) if source is DIGITS else (SUM_TARGET, ANCHOR_TARGET)

    def load(data_root: Path, progress: Progress) -> Data:
        ensure(task, data_root, progress)  # before the source's loader does: a missing file is then told of this task
        return load_sequences(source, anchored=anchored, published=published, data_root=data_root, progress=progress)

    how = f"the sequences of {STUDY}" if published else f"ours, after {STUDY}"
    task = Task(
        name=name,
        shape=InputShape(px=source.shape.px, channels=1, num_classes=1, length=LONGEST + anchored),
        classes=("absent", "present") if anchored else tuple(map(str, range(LARGEST_SUM + 1))),
        loader=load,
        recipes="sequences" if source is DIGITS else "many_sequences",
        objective="presence" if anchored else "sum",
        kind="anchor and sequence of images" if anchored else "sequence of images",
        target_accuracy=targets[anchored],
        source=f"{how}, of the images of {source.name}{SHUFFLED if published and source is DIGITS else ''}",
        files=source.files,
    )
    return task


DIGIT_SUM_DIGITS = _task(DIGITS)
DIGIT_SUM_GLYPHS = _task(GLYPHS)
DIGIT_SUM_MNIST = _task(MNIST)

DIGIT_ANCHOR_DIGITS = _task(DIGITS, anchored=True)
DIGIT_ANCHOR_GLYPHS = _task(GLYPHS, anchored=True)
DIGIT_ANCHOR_MNIST = _task(MNIST, anchored=True)

DIGIT_SUM_PUBLISHED_DIGITS = _task(DIGITS, published=True)
DIGIT_SUM_PUBLISHED_GLYPHS = _task(GLYPHS, published=True)
DIGIT_SUM_PUBLISHED_MNIST = _task(MNIST, published=True)

DIGIT_ANCHOR_PUBLISHED_DIGITS = _task(DIGITS, anchored=True, published=True)
DIGIT_ANCHOR_PUBLISHED_GLYPHS = _task(GLYPHS, anchored=True, published=True)
DIGIT_ANCHOR_PUBLISHED_MNIST = _task(MNIST, anchored=True, published=True)
