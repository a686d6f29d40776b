"""Follows which tensors are alive while a function runs, and says what they take at the peak and what they are for.

Nothing is measured: a storage is alive from the operator that returns it until nothing refers to it. What an operator
allocates inside itself, such as a workspace of cuDNN or cuBLAS, is not seen. The function may run on fake tensors,
which have shapes and no numbers, so that it takes neither a GPU nor memory.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Part = Literal["weights", "gradients", "optimizer", "activations", "inputs", "temporary"]
"""What memory is for. `activations` are what the forward leaves for the backward; `temporary` is all that is neither
there before the run nor kept: results of operators that are still in use, and what a backward computes once more."""

CUDA_BLOCK_BYTES = 512
"""CUDA's caching allocator hands out multiples of this."""


@dataclass(frozen=True, kw_only=True)
class Peak:
    """The bytes that are alive at the peak of a run, by what they are for."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    inputs: int
    temporary: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.inputs + self.temporary


@dataclass
class _Storage:
    """One storage: its bytes, in which of the moments it is alive, and what it is for where that is known."""

    num_bytes: int
    born: int
    dead: int | None = None
    part: Part | None = None


class Lifetimes(TorchDispatchMode):
    """Watches, while it is entered, what operators allocate and when that is free again.

    `there` are tensors that are alive before, by what they are for. Every allocation is rounded up to a multiple of
    `block_bytes`. A moment is a storage that is new, so the peak is at one of them.
    """

    def __init__(self, there: Mapping[Part, Iterable[Tensor]], *, block_bytes: int = CUDA_BLOCK_BYTES) -> None:
        super().__init__()
        self.block_bytes = block_bytes
        self.moment = 0
        self.backward_began: int | None = None
        self._storages: list[_Storage] = []
        self._alive: dict[int, _Storage] = {}
        self._finalizers: list[weakref.finalize[Any, Any]] = []
        for part, tensors in there.items():
            for tensor in tensors:
                self.claim(tensor, part)

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        """Run one operator, and note the storages that it returns and that were not there."""
        if self.backward_began is None and torch._C._current_graph_task_id() != -1:
            self.backward_began = self.moment
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor) and leaf.layout is torch.strided:
                self._found(leaf)
        return result

    def claim(self, tensor: Tensor, part: Part) -> None:
        """Say what a tensor is for."""
        self._found(tensor).part = part

    def peak(self) -> Peak:
        """Return what was alive at the moment when most was, the first of several."""
        changes = [0] * (self.moment + 2)
        for one in self._storages:
            changes[one.born] += one.num_bytes
            if one.dead is not None:
                changes[one.dead + 1] -= one.num_bytes
        most = highest = so_far = 0
        for moment, change in enumerate(changes):
            so_far += change
            if so_far > highest:
                most, highest = moment, so_far
        parts: dict[str, int] = dict.fromkeys(Peak.__dataclass_fields__, 0)
        for one in self._storages:
            if one.born <= most and (one.dead is None or most <= one.dead):
                parts[self._part_of(one)] += one.num_bytes
        return Peak(**parts)

    def _part_of(self, one: _Storage) -> Part:
        if one.part is not None:
            return one.part
        began = self.backward_began
        outlives_forward = began is not None and one.born <= began and (one.dead is None or one.dead > began)
        return "activations" if outlives_forward else "temporary"

    def _found(self, tensor: Tensor) -> _Storage:
        """Return what is known of a tensor's storage; a new one begins a moment."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self._alive:
            self.moment += 1
            blocks = -(-storage.nbytes() // self.block_bytes)
            one = _Storage(num_bytes=blocks * self.block_bytes, born=self.moment)
            self._storages.append(one)
            self._alive[key] = one
            self._finalizers.append(weakref.finalize(storage, self._freed, key, one))
        return self._alive[key]

    def _freed(self, key: int, one: _Storage) -> None:
        one.dead = self.moment
        if self._alive.get(key) is one:
            del self._alive[key]

    def forget(self) -> None:
        """Stop watching what is still alive."""
        for finalizer in self._finalizers:
            finalizer.detach()


@contextmanager
def lifetimes(there: Mapping[Part, Iterable[Tensor]], *, block_bytes: int = CUDA_BLOCK_BYTES) -> Iterator[Lifetimes]:
    """Watch what runs inside: see `Lifetimes`. Gradients are known by the parameters among the weights."""
    held: dict[Part, list[Tensor]] = {part: list(tensors) for part, tensors in there.items()}
    watching = Lifetimes(held, block_bytes=block_bytes)

    def accumulated(parameter: Tensor) -> None:
        assert parameter.grad is not None, "torch calls this when there is one"
        watching.claim(parameter.grad, "gradients")

    trained = [weight for weight in held.get("weights", []) if weight.is_leaf and weight.requires_grad]
    hooks = [weight.register_post_accumulate_grad_hook(accumulated) for weight in trained]
    try:
        with watching:
            yield watching
    finally:
        watching.forget()
        for hook in hooks:
            hook.remove()


def peak_of(
    run: Callable[[], object], there: Mapping[Part, Iterable[Tensor]], *, block_bytes: int = CUDA_BLOCK_BYTES
) -> Peak:
    """Run `run` once and return what is alive at its peak, with what was `there` before."""
    with lifetimes(there, block_bytes=block_bytes) as watching:
        run()
        return watching.peak()
