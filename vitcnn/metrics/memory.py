"""Defines the metrics of model size and peak memory, each measured in a pass of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, exact, one_percent

if TYPE_CHECKING:
    from torch import nn

    from vitcnn.bench.subject import Subject


def model_of(subject: Subject) -> nn.Module:
    """Return the one model that a subject measures."""
    assert subject.model is not None, "a question that provides its size has one model"
    return subject.model


def parameters(subject: Subject) -> Sequence[float]:
    """Return the number of parameters."""
    from vitcnn.architectures.parts import num_parameters

    return [num_parameters(model_of(subject))]


def peak_allocated_bytes(subject: Subject) -> Sequence[float]:
    """Return the peak above what was allocated before the case; none on a CPU."""
    if not subject.device.is_cuda:
        return ()
    from vitcnn.device import peak_allocated_bytes

    return [peak_allocated_bytes(subject.device, subject.run) - subject.floor_bytes]


PARAMETERS = Metric(
    name="parameters",
    unit="1",
    better="lower",
    tolerance=exact,
    rule="exact",
    reads="size",
    measure=parameters,
)
"""Number of parameters of the model."""

PEAK_ALLOCATED_BYTES = Metric(
    name="peak_allocated_bytes",
    unit="B",
    better="lower",
    tolerance=one_percent,
    rule="amount",
    reads="peak memory",
    measure=peak_allocated_bytes,
)
"""Peak of the CUDA memory that torch had allocated during one run, weights and inputs included."""
