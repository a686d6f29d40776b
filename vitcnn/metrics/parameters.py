"""Number of parameters of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, exact

if TYPE_CHECKING:
    from vitcnn.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return the count."""
    return [sum(parameter.numel() for parameter in subject.model.parameters())]


PARAMETERS = Metric(
    name="parameters",
    unit="1",
    better="lower",
    tolerance=exact,
    questions=("memory",),
    measure=measure,
)
