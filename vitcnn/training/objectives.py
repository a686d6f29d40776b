"""What is learnt, as data: the loss, how a model's outputs become answers, and what an answer is worth.

A task names its objective. Nothing else knows the loss, the softmax or the argmax.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class Objective:
    """How a model of one kind of task is trained and asked.

    `loss` is given outputs (batch, ...), targets and the recipe's label smoothing, and returns the mean loss, a scalar
    in `loss_unit`. `confidences` turns outputs, averaged over the copies of an image, into what is kept of them,
    float32 (batch, ...). `answers` turns confidences into answers, int64 (batch,), and `score` says what each answer is
    worth beside its label, 0..1 (batch,).
    """

    name: str
    loss_unit: str
    loss: Callable[[Tensor, Tensor, float], Tensor]
    confidences: Callable[[Tensor], Tensor]
    answers: Callable[[Tensor], Tensor]
    score: Callable[[Tensor, Tensor], Tensor]

    def accuracy(self, confidences: Tensor, labels: Tensor) -> float:
        """Return the mean score of the answers."""
        return float(self.score(self.answers(confidences), labels).double().mean())


def cross_entropy(logits: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
    """Return the mean cross-entropy of logits (batch, classes) with classes (batch,), or with shares of classes."""
    return F.cross_entropy(logits, targets, label_smoothing=label_smoothing)


CLASSIFICATION = Objective(
    name="classification",
    loss_unit="nat",
    loss=cross_entropy,
    confidences=lambda logits: logits.softmax(dim=1),
    answers=lambda probabilities: probabilities.argmax(dim=1),
    score=lambda answers, labels: answers == labels,
)
"""One of several classes: logits (batch, classes), cross-entropy, the likeliest class, right or wrong."""

OBJECTIVES = {objective.name: objective for objective in (CLASSIFICATION,)}
