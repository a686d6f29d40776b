"""Seconds to build, train and ask a throw-away model on two batches, before the first seed.

That is what training_time_s leaves out: compilation, the search for algorithms, first calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, of_time

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return the seconds, once."""
    assert subject.trained is not None
    return [subject.trained().warm_up_s]


FIRST_CALL_TIME_S = Metric(
    name="first_call_time_s",
    unit="s",
    better="lower",
    tolerance=of_time,
    rule="unjudged",
    questions=("accuracy", "data_efficiency"),
    measure=measure,
)
