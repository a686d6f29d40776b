"""What is learnt, as data: the loss, how a model's outputs become answers, and what an answer is worth.

A task names its objective. Nothing else knows the loss, the softmax or the argmax.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

LARGEST_SUM = 90.0
"""Of ten digits."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """How a model of one kind of task is trained and asked.

    `loss` is given outputs (batch, ...), targets and the recipe's label smoothing, and returns the mean loss, a scalar
    in `loss_unit`. `confidences` turns outputs, averaged over the copies of an image, into what is kept of them,
    float32 (batch, ...). `answers` turns confidences into answers, int64 (batch,), and `score` says what each answer is
    worth beside its label, 0..1 (batch,). `losses` are those of confidences beside labels, (batch,). `range` is from
    the lowest to the highest confidence, for whoever says how much they changed.
    """

    name: str
    loss_unit: str
    loss: Callable[[Tensor, Tensor, float], Tensor]
    confidences: Callable[[Tensor], Tensor]
    answers: Callable[[Tensor], Tensor]
    score: Callable[[Tensor, Tensor], Tensor]
    losses: Callable[[Tensor, Tensor], Tensor]
    range: float = 1.0

    def accuracy(self, confidences: Tensor, labels: Tensor) -> float:
        """Return the mean score of the answers."""
        return float(self.score(self.answers(confidences), labels).double().mean())


def cross_entropy(logits: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
    """Return the mean cross-entropy of logits (batch, classes) with classes (batch,), or with shares of classes."""
    return F.cross_entropy(logits, targets, label_smoothing=label_smoothing)


def binary_cross_entropy(logits: Tensor, targets: Tensor, _label_smoothing: float) -> Tensor:
    """Return the mean binary cross-entropy of logits (batch, 1) with answers, 0 or 1 (batch,)."""
    return F.binary_cross_entropy_with_logits(logits[:, 0].float(), targets.float())


def squared_error(sums: Tensor, targets: Tensor, _label_smoothing: float) -> Tensor:
    """Return the mean squared error of sums (batch, 1).

    Of a model that returns in training the logarithm of the probability of each sum, (batch, sums), it is the mean
    negative log-likelihood.
    """
    if sums.shape[1] > 1:
        return F.nll_loss(sums, targets)
    return F.mse_loss(sums[:, 0].float(), targets.float())


def both_probabilities(logits: Tensor) -> Tensor:
    """Return the probabilities of no and of yes, (batch, 2)."""
    return torch.cat([-logits, logits], dim=1).sigmoid()


def negative_log_likelihoods(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Return the negative logarithm of the probability of each label."""
    of_labels = probabilities.gather(1, labels[:, None])[:, 0]
    return -of_labels.clamp(min=torch.finfo(of_labels.dtype).tiny).log()


def is_equal(answers: Tensor, labels: Tensor) -> Tensor:
    """Return which answers are right."""
    return answers == labels


CLASSIFICATION = Objective(
    name="classification",
    loss_unit="nat",
    loss=cross_entropy,
    confidences=lambda logits: logits.softmax(dim=1),
    answers=lambda probabilities: probabilities.argmax(dim=1),
    score=is_equal,
    losses=negative_log_likelihoods,
)
"""One of several classes: logits (batch, classes), cross-entropy, the likeliest class, right or wrong."""

PRESENCE = Objective(
    name="presence",
    loss_unit="nat",
    loss=binary_cross_entropy,
    confidences=both_probabilities,
    answers=lambda probabilities: probabilities.argmax(dim=1),
    score=is_equal,
    losses=negative_log_likelihoods,
)
"""Whether something is there: one logit (batch, 1), binary cross-entropy, the likelier answer, right or wrong."""

SUM = Objective(
    name="sum",
    loss_unit="digit² or nat",
    loss=squared_error,
    confidences=lambda sums: sums[:, 0],
    answers=lambda sums: sums.round().clamp(min=0).to(torch.int64),
    score=is_equal,
    losses=lambda sums, labels: (sums - labels) ** 2,
    range=LARGEST_SUM,
)
"""A sum of digits: one number (batch, 1), squared error, the nearest whole number from 0, right or wrong.

What a model trains on may be the likelihood of the sum, if it returns one; answers are numbers always.
"""

OBJECTIVES = {objective.name: objective for objective in (CLASSIFICATION, PRESENCE, SUM)}
