"""Trains models of sequences, and asks them what single images do not raise: about length, order and padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from vitcnn.bench.bench import Bench
from vitcnn.bench.seed_rounds import trained_subject
from vitcnn.bench.seeds import Findings, ask
from vitcnn.bench.series import nested
from vitcnn.bench.setup import Setup, setup_of
from vitcnn.bench.subject import Subject, Trained
from vitcnn.input_sizes import num_anchors
from vitcnn.intervals import image_scores
from vitcnn.record import Series
from vitcnn.record.answers import EXAMPLES, IMAGE_SCORES
from vitcnn.spec import Split
from vitcnn.training import predict

if TYPE_CHECKING:
    from vitcnn.questions.sequences import SequenceCase

NUM_CHANGED = 256
"""Test sequences that are asked about again, in another order and with more padding."""

MORE_PLACES = 10
"""Empty places that are appended to see what depends on the padding."""

ORDER_SEED = 0
NUM_EXAMPLES = 6
"""Test sequences, the first, that a record keeps to be shown."""


def sequence_subject(case: SequenceCase, bench: Bench) -> Subject:
    """Return the subject whose run trains one seed."""
    setup = setup_of(case, bench, tests_every_epoch=True)
    subject = trained_subject(setup, bench, asked_besides=partial(asked_besides, setup))
    of_all = subject.series
    assert of_all is not None, "what trains has series"
    subject.series = lambda trained: [*of_all(trained), *series_of_sequences(setup, trained)]
    subject.settings |= {
        "kind": setup.task.kind,
        "num_train_images": len(setup.data.train.images),
        "num_test_images": len(setup.data.test.images),
        "num_train_sequences": len(setup.train),
        "num_test_sequences": len(setup.test),
    }
    return subject


def asked_besides(setup: Setup, model: nn.Module) -> Findings:
    """Return how far the answers depend on order and padding, and which longer sequences are answered right.

    A model that cannot take longer sequences than it is built for is not asked about padding and longer ones.
    """
    test = setup.data.test
    few = replace(test, members=members_of(test)[:NUM_CHANGED], labels=test.labels[:NUM_CHANGED])
    as_they_are = ask_in_fp32(setup, model, few)
    reordered = replace(few, members=in_another_order(members_of(few), num_fixed=num_anchors(setup.task.kind)))
    found = {"order": change(setup, as_they_are, ask_in_fp32(setup, model, reordered))}
    if not setup.architecture.any_length:
        return found
    empty = np.full((len(few.labels), MORE_PLACES), -1)
    padded = replace(few, members=np.concatenate([members_of(few), empty], axis=1))
    found["padding"] = change(setup, as_they_are, ask_in_fp32(setup, model, padded))
    if setup.data.longer is not None:
        found["longer"] = right_about(setup, model, setup.data.longer)
    return found


def members_of(split: Split) -> np.ndarray:
    """Return the places of the images of each sequence."""
    assert split.members is not None, "only tasks of sequences are asked about them"
    return split.members


def in_another_order(members: np.ndarray, *, num_fixed: int) -> np.ndarray:
    """Return `members`, (count, length), each row's images in a random order; the first `num_fixed` places stay."""
    keys = np.random.default_rng(ORDER_SEED).random(members.shape)
    keys[members < 0] = np.inf
    keys[:, :num_fixed] = -np.inf
    return np.take_along_axis(members, keys.argsort(axis=1, kind="stable"), axis=1)


def ask_in_fp32(setup: Setup, model: nn.Module, split: Split) -> Tensor:
    """Return the model's confidences about `split`, in fp32, so that rounding hides nothing."""
    return predict(model, setup.source(split), **{**setup.asked_by, "precision": "fp32"})


def change(setup: Setup, before: Tensor, after: Tensor) -> np.ndarray:
    """Return by how much a confidence changed at the most, as a share of its range."""
    return ((after - before).abs().max() / setup.objective.range).numpy()


def right_about(setup: Setup, model: nn.Module, split: Split) -> np.ndarray:
    """Return which samples of `split` the model answers right, (count,)."""
    answers = setup.objective.answers(ask(setup, model, setup.source(split)))
    return setup.objective.score(answers, torch.from_numpy(split.labels)).numpy()


def series_of_sequences(setup: Setup, trained: Trained) -> list[Series]:
    """Return the accuracy by length, what each test image adds to the accuracy, and some sequences to be shown."""
    test, longer, anchors = setup.data.test, setup.data.longer, num_anchors(setup.task.kind)
    found = [
        *by_length("accuracy_by_length", "length", lengths(test, anchors), trained.scores),
        Series(
            name=IMAGE_SCORES,
            unit="1",
            axes=("seed", "image"),
            values=nested(image_scores(trained.scores, members_of(test), num_images=len(test.images))),
        ),
        *examples(test, trained.predictions[0]),
    ]
    if longer is None or "longer" not in trained.findings:
        return found
    right = trained.findings["longer"]
    return [*found, *by_length("accuracy_by_longer_length", "longer_length", lengths(longer, anchors), right)]


def lengths(split: Split, anchors: int) -> np.ndarray:
    """Return the number of images of each sequence, its anchor not counted."""
    return (members_of(split) >= 0).sum(axis=1) - anchors


def by_length(name: str, axis: str, lengths: np.ndarray, right: np.ndarray) -> list[Series]:
    """Return the share of right answers, `right` (seeds, sequences), among the sequences of each length."""
    there = np.unique(lengths)
    shares = np.stack([right[:, lengths == length].mean(axis=1) for length in there], axis=1)
    return [
        Series(name=name, unit="1", axes=("seed", axis), values=nested(shares)),
        Series(name=axis, unit="image", axes=(axis,), values=nested(there)),
    ]


def examples(test: Split, answers: np.ndarray) -> list[Series]:
    """Return the first test sequences, of one channel, with what is right and what was answered."""
    members = members_of(test)[:NUM_EXAMPLES]
    images = np.where((members >= 0)[:, :, None, None], test.images[members, 0], 0)
    values: Sequence[Any] = (images, test.labels[:NUM_EXAMPLES], answers[:NUM_EXAMPLES])
    axes = (("example", "place", "row", "column"), ("example",), ("example",))
    return [
        Series(name=name, unit="1", axes=along, values=nested(array))
        for name, along, array in zip(EXAMPLES, axes, values, strict=True)
    ]
