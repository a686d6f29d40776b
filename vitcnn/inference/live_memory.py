"""Measures how many bytes of tensors are alive at once, on any device."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def peak_live_bytes(run: Callable[[], object]) -> int:
    """Return the most bytes of tensors made by `run` that were alive at once; not the workspaces of libraries."""
    live = LiveTensors()
    with live:
        run()
    return live.peak_bytes


class LiveTensors(TorchDispatchMode):
    """Counts the bytes of tensors that operations make, from when they are made until nothing refers to them.

    Views share the bytes of what they view. Tensors that were there before are not counted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.num_bytes = self.peak_bytes = 0
        self._holders: Counter[int] = Counter()
        self._foreign: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {_address(tensor) for tensor in tree_leaves((args, kwargs)) if isinstance(tensor, Tensor)}
        self._foreign |= given - self._holders.keys()
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._hold(tensor)
        return made

    def _hold(self, tensor: Tensor) -> None:
        address, num_bytes = _address(tensor), tensor.untyped_storage().nbytes()
        if address in self._foreign:
            return
        if address not in self._holders:
            self.num_bytes += num_bytes
            self.peak_bytes = max(self.peak_bytes, self.num_bytes)
        self._holders[address] += 1
        weakref.finalize(tensor, self._release, address, num_bytes)

    def _release(self, address: int, num_bytes: int) -> None:
        self._holders[address] -= 1
        if not self._holders[address]:
            del self._holders[address]
            self.num_bytes -= num_bytes


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
