"""Time of one training step, in seconds, by the wall clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, of_time

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return each round's seconds a step."""
    return subject.times_s


STEP_TIME_S = Metric(
    name="step_time_s",
    unit="s",
    better="lower",
    tolerance=of_time,
    rule="time",
    questions=("training",),
    measure=measure,
)
