"""F1 score of each class, averaged by how many test images are of it, 0..1; last epoch, one sample a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, one_percent

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return each seed's score."""
    from sklearn.metrics import f1_score

    assert subject.trained is not None
    trained = subject.trained()
    return [
        float(f1_score(trained.labels, predictions, average="weighted", zero_division=0.0))
        for predictions in trained.predictions
    ]


F1_WEIGHTED = Metric(
    name="f1_weighted",
    unit="1",
    better="higher",
    tolerance=one_percent,
    rule="unjudged",
    questions=("accuracy", "data_efficiency"),
    measure=measure,
)
