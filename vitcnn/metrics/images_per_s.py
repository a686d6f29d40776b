"""Images a second, in inference or training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, of_time

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return each round's images a second."""
    return [subject.images_per_run / seconds for seconds in subject.times_s]


IMAGES_PER_S = Metric(
    name="images_per_s",
    unit="image/s",
    better="higher",
    tolerance=of_time,
    rule="unjudged",
    questions=(
        "accuracy",
        "data_efficiency",
        "latency",
        "training",
    ),
    measure=measure,
)
