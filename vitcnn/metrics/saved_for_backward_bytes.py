"""Memory that autograd keeps from the forward for the backward of one training step, in bytes.

Each storage counts once and whole; parameters do not count, they are there anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, exact

if TYPE_CHECKING:
    from torch import Tensor

    from vitcnn.bench.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return the bytes, seen by saved-tensor hooks in a pass of their own; none for an inference case."""
    from torch.autograd.graph import saved_tensors_hooks

    parameters = {parameter.untyped_storage().data_ptr() for parameter in subject.model.parameters()}
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


SAVED_FOR_BACKWARD_BYTES = Metric(
    name="saved_for_backward_bytes",
    unit="B",
    better="lower",
    tolerance=exact,
    rule="exact",
    questions=("memory",),
    measure=measure,
)
