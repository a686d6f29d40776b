"""Counts the bytes that the operators of a run must read and write at least, whatever device they run on.

Each operator reads every tensor that it is given, and writes every tensor that it makes or changes, once and whole: as
if each ran alone, had room for all it needs, and nothing stayed in a cache until the next one. That is what the code as
it is written must move. Where a compiler fuses operators it is less, and where an operator reads something twice, more.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

ALLOCATES = frozenset({"empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided"})
"""Operators that make a tensor and write nothing into it."""

FILLS = frozenset(
    {"full_like", "new_full", "new_ones", "new_zeros", "ones_like", "rand_like", "randn_like", "zeros_like"}
)
"""Operators that are given a tensor for its shape alone."""

OVERWRITES = frozenset({"bernoulli_", "copy_", "fill_", "normal_", "random_", "uniform_", "zero_"})
"""Operators that change a tensor without reading it."""

GATHERS = frozenset({"embedding", "gather", "index", "index_select", "take"})
"""Operators that read as much of their first tensor as they return."""


class TrafficCounter(TorchDispatchMode):
    """Adds up what each operator reads and writes in `num_bytes`; views move nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.num_bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        """Run one operator and count what it moves."""
        result = func(*args, **(kwargs or {}))
        self.num_bytes += moved_bytes(func, args, kwargs or {}, result)
        return result


def moved_bytes(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> int:
    """Return the bytes that one operator reads and writes: none where it only looks at what there is."""
    name = func.overloadpacket.__name__
    read, written, given = [], [], set()
    for argument, value in _named(func, args, kwargs):
        tensors = _tensors(value)
        given |= set(map(_storage, tensors))
        is_changed = argument.alias_info is not None and argument.alias_info.is_write
        if is_changed:
            written += tensors
        if not (is_changed and (name in OVERWRITES or argument.is_out)):
            read += tensors
    made = [tensor for tensor in _tensors(result) if _storage(tensor) not in given]
    if name in ALLOCATES or not (made or written):
        return 0
    if name in FILLS:
        read = []
    if name in GATHERS and read:
        return 2 * _sum(made) + _sum(read[1:])
    return _sum(read) + _sum(written) + _sum(made)


def _named(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterable[tuple[Any, Any]]:
    """Yield the arguments that an operator was given, each with what its schema says of it."""
    arguments = func._schema.arguments
    yield from zip(arguments, args, strict=False)
    yield from ((argument, kwargs[argument.name]) for argument in arguments if argument.name in kwargs)


def _tensors(values: Any) -> list[Tensor]:
    """Return the tensors whose memory can be seen: sparse and opaque ones have none."""
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor) and leaf.layout is torch.strided]


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _sum(tensors: list[Tensor]) -> int:
    """Add up the bytes of tensors; one that is named twice counts once."""
    seen = {(_storage(t), t.storage_offset(), t.shape, t.stride()): t for t in tensors}
    return sum(map(extent_bytes, seen.values()))


def extent_bytes(tensor: Tensor) -> int:
    """Return the bytes of the different elements of a tensor: what is expanded is in memory once."""
    sides = (size for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if stride or not size)
    return prod(sides) * tensor.element_size()
