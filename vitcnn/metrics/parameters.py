"""Number of parameters of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, exact

if TYPE_CHECKING:
    from torch import nn

    from vitcnn.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return the count."""
    return [num_parameters(subject.model)]


def num_parameters(model: nn.Module) -> int:
    """Count the parameters of a model."""
    return sum(parameter.numel() for parameter in model.parameters())


PARAMETERS = Metric(
    name="parameters",
    unit="1",
    better="lower",
    tolerance=exact,
    rule="exact",
    questions=("memory",),
    measure=measure,
)
