"""Counts the operators that reach torch's dispatcher, the bytes that they take, and where the host waits for them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

READ_BY_THE_HOST = frozenset(
    {
        "_local_scalar_dense",
        "_unique2",
        "allclose",
        "argwhere",
        "bincount",
        "equal",
        "is_nonzero",
        "item",
        "masked_select",
        "nonzero",
        "unique_consecutive",
        "unique_dim",
    }
)
"""Operators for whose result, or for whose size, the host would wait for a GPU."""

TAKES_INDICES = frozenset({"_index_put_impl_", "index", "index_put", "index_put_"})
"""Operators that do so where an index is a mask."""


class OperatorCounter(TorchDispatchMode):
    """Counts what reaches torch's dispatcher below autograd: forward, backward and optimiser.

    An operator on a list of tensors (`_foreach_add_`, a fused optimiser) is one. Views count; what an operator calls
    inside itself does not. Bytes are those of storages that an operator returns and was not given, whole and once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.counts = {"operators": 0, "allocated_bytes": 0, "synchronisations": 0}

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        """Run one operator and count it; a profiler's mark is none."""
        if func.namespace == "profiler":
            return func(*args, **(kwargs or {}))
        given = _tensors((args, kwargs))
        result = func(*args, **(kwargs or {}))
        returned = _tensors(result)
        self.counts["operators"] += 1
        self.counts["allocated_bytes"] += _new_bytes(returned, given)
        self.counts["synchronisations"] += _waits(func.overloadpacket.__name__, args, returned)
        return result


def _tensors(values: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor)]


def _new_bytes(returned: list[Tensor], given: list[Tensor]) -> int:
    storages = _storages(returned)
    return sum(storages[pointer] for pointer in storages.keys() - _storages(given).keys())


def _storages(tensors: list[Tensor]) -> dict[int, int]:
    """Return the bytes of each storage; sparse and opaque tensors have none that could be seen."""
    dense = (tensor.untyped_storage() for tensor in tensors if tensor.layout is torch.strided)
    return {storage._cdata: storage.nbytes() for storage in dense}


def _waits(name: str, args: tuple[Any, ...], returned: list[Tensor]) -> bool:
    if name in READ_BY_THE_HOST:
        return True
    if name in TAKES_INDICES:
        return any(tensor.dtype in (torch.bool, torch.uint8) for tensor in _tensors(args[1]))
    leaves_device = any(tensor.is_cuda for tensor in _tensors(args)) and any(tensor.is_cpu for tensor in returned)
    return leaves_device and name in ("_to_copy", "copy_")
