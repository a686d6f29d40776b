"""Time of classifying all tiles of one frame, in seconds, by the wall clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, of_time

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return each round's seconds a frame."""
    return subject.times_s


FRAME_TIME_S = Metric(
    name="frame_time_s",
    unit="s",
    better="lower",
    tolerance=of_time,
    rule="time",
    questions=("tiled",),
    measure=measure,
)
