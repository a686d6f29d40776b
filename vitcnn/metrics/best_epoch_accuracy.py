"""Test accuracy of each seed's best tested epoch, 0..1: no estimate of anything, since the test part chose the epoch.

Papers often report it: it stands beside test_accuracy, the last epoch's, so that both can be compared with theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, one_percent

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return each seed's highest accuracy."""
    assert subject.trained is not None
    best: list[float] = subject.trained().accuracies.max(axis=1).tolist()
    return best


BEST_EPOCH_ACCURACY = Metric(
    name="best_epoch_accuracy",
    unit="1",
    better="higher",
    tolerance=one_percent,
    rule="unjudged",
    questions=("accuracy",),
    measure=measure,
)
