"""Share of the test images that the last epoch's model classifies right, 0..1; one sample a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vitcnn.metrics.metric import Metric, one_percent
from vitcnn.record import Record
from vitcnn.record.answers import answers

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return each seed's accuracy."""
    assert subject.trained is not None
    trained = subject.trained()
    return [float(right.mean()) for right in trained.predictions == trained.labels]


def correct(record: Record) -> np.ndarray:
    """Return which test images each seed of an accuracy record got right, bool (seeds, images)."""
    return answers(record).right


TEST_ACCURACY = Metric(
    name="test_accuracy",
    unit="1",
    better="higher",
    tolerance=one_percent,
    rule="score",
    questions=("accuracy", "data_efficiency"),
    measure=measure,
)
