"""Number of parameters of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, exact

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return the count."""
    from vitcnn.architectures.parts import num_parameters

    return [num_parameters(subject.model)]


PARAMETERS = Metric(
    name="parameters",
    unit="1",
    better="lower",
    tolerance=exact,
    rule="exact",
    questions=("memory",),
    measure=measure,
)
