"""Seconds of training until the end of the first tested epoch that reaches the task's target accuracy.

The target is settings["target_accuracy"]; the last epochs, trained after it, change nothing here. The learning rate is
still high then: a recipe made for the target alone would be there sooner.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vitcnn.metrics.metric import Metric, of_time

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return each seed's seconds; none unless every seed reached the target."""
    assert subject.trained is not None
    trained = subject.trained()
    has_reached = trained.accuracies >= trained.target_accuracy
    if not has_reached.any(axis=1).all():
        return ()
    first = has_reached.argmax(axis=1)
    seconds: list[float] = trained.ends_s[np.arange(len(first)), first].tolist()
    return seconds


TIME_TO_ACCURACY_S = Metric(
    name="time_to_accuracy_s",
    unit="s",
    better="lower",
    tolerance=of_time,
    rule="unjudged",
    questions=("accuracy",),
    measure=measure,
)
