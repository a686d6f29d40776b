"""Measures the parts of the memory of training in a pass of its own: weights, gradients, optimiser, activations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.optim import Optimizer

from vitcnn.adaptation.adapt import num_trainable
from vitcnn.adaptation.size import adapter_bytes, peft_bytes
from vitcnn.architectures.parts import num_parameters


@dataclass(frozen=True, kw_only=True)
class TrainingMemory:
    """What a model holds in memory while it trains, in bytes, and how much of it trains.

    The parts do not overlap: no parameter is counted in `saved_for_backward_bytes`. `adapter_bytes` and `peft_bytes`
    are what is stored of an adaptation, and `features_bytes` what the head's features of all images take, on the device
    or in a file; each None where there is no such thing.
    """

    num_trainable: int
    weights_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    saved_for_backward_bytes: int
    adapter_bytes: int | None = None
    peft_bytes: int | None = None
    features_bytes: int | None = None

    @property
    def training_memory_bytes(self) -> int:
        """The sum of the parts that a step needs, features aside."""
        parts = (self.weights_bytes, self.gradient_bytes, self.optimizer_bytes, self.saved_for_backward_bytes)
        return sum(parts)


def training_memory(
    model: nn.Module,
    step: Callable[[], object],
    optimizers: Sequence[Optimizer],
    *,
    features_bytes: int | None = None,
) -> TrainingMemory:
    """Run one `step` of `optimizers`, which train all or a part of `model`, and return what it held meanwhile."""
    gradient_bytes = 0

    def look_at(optimizer: Optimizer, *_: object) -> None:
        nonlocal gradient_bytes
        gradient_bytes += sum(p.grad.nbytes for p in _parameters(optimizer) if p.grad is not None)

    handles = [optimizer.register_step_pre_hook(look_at) for optimizer in optimizers]
    try:
        saved = saved_for_backward_bytes(model, step)
    finally:
        for handle in handles:
            handle.remove()
    is_adapted = num_trainable(model) < num_parameters(model)
    return TrainingMemory(
        num_trainable=num_trainable(model),
        weights_bytes=sum(parameter.nbytes for parameter in model.parameters()),
        gradient_bytes=gradient_bytes,
        optimizer_bytes=sum(map(state_bytes, optimizers)),
        saved_for_backward_bytes=saved,
        adapter_bytes=adapter_bytes(model) if is_adapted else None,
        peft_bytes=peft_bytes(model) if is_adapted else None,
        features_bytes=features_bytes,
    )


def state_bytes(optimizer: Optimizer) -> int:
    """Return the bytes of all tensors that an optimiser keeps from one step to the next."""
    kept = (value for state in optimizer.state.values() for value in state.values())
    return sum(value.nbytes for value in kept if isinstance(value, Tensor))


def saved_for_backward_bytes(model: nn.Module, run: Callable[[], object]) -> int:
    """Return the bytes that autograd keeps of a forward in `run` for its backward, without the model's parameters.

    Each storage counts once and whole.
    """
    parameters = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    saved: dict[int, Tensor] = {}  # holding the tensors keeps their addresses from being used again

    def pack(tensor: Tensor) -> Tensor:
        saved.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor.detach()  # an output that holds its own graph would be a cycle, which only a backward frees

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        run()
    num_bytes = sum(t.untyped_storage().nbytes() for pointer, t in saved.items() if pointer not in parameters)
    saved.clear()  # the graph of what no backward went through holds the hook, and the hook these
    return num_bytes


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
