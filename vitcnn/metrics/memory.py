"""Defines the metrics of model size and memory, each measured in a pass of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, exact, one_percent

if TYPE_CHECKING:
    from torch import Tensor, nn

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

    return [peak_allocated_bytes(subject.run) - subject.floor_bytes]


def saved_for_backward_bytes(subject: Subject) -> Sequence[float]:
    """Return the bytes, seen by saved-tensor hooks; none for an inference case."""
    from torch.autograd.graph import saved_tensors_hooks

    parameters = {parameter.untyped_storage().data_ptr() for parameter in model_of(subject).parameters()}
    saved: dict[int, Tensor] = {}  # holding the tensors keeps their addresses from being used again

    def pack(tensor: Tensor) -> Tensor:
        saved.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor.detach()  # an output that holds its own graph would be a cycle, which only a backward frees

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        subject.run()
    num_bytes = sum(t.untyped_storage().nbytes() for pointer, t in saved.items() if pointer not in parameters)
    count = len(saved)
    saved.clear()  # the graph of what no backward went through holds the hook, and the hook these
    return [num_bytes] if count else ()


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

SAVED_FOR_BACKWARD_BYTES = Metric(
    name="saved_for_backward_bytes",
    unit="B",
    better="lower",
    tolerance=exact,
    rule="exact",
    reads="size",
    measure=saved_for_backward_bytes,
)
"""Memory that autograd keeps from the forward for the backward of one training step.

Each storage counts once and whole; parameters do not count, they are there anyway.
"""
