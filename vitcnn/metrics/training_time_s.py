"""Time of training one seed from start to end, in seconds; building, loading and testing are not in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, of_time

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return each seed's seconds."""
    return subject.times_s


TRAINING_TIME_S = Metric(
    name="training_time_s",
    unit="s",
    better="lower",
    tolerance=of_time,
    rule="time",
    questions=("accuracy",),
    measure=measure,
)
