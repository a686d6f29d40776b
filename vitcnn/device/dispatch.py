"""Measures what an operator costs on a CPU before it computes anything: Python, torch's dispatcher and allocation."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from vitcnn.device.arithmetic import best_s

if TYPE_CHECKING:
    from vitcnn.device.which import Device

LAYERS, WIDTH = 8, 8
"""A chain of this many small layers of each kind: there is next to nothing to compute."""

CALLS = 10


@cache
def operator_cost_s(device: Device, *, trains: bool) -> float:
    """Return the mean seconds of an operator in the forward of a chain of tiny layers, or in its forward and backward.

    Measured once a process: linear layers, GELU and layer norms on eight numbers. The time of the best of several
    rounds is divided by the operators that reach torch's dispatcher, counted as the metric `operators` counts them.
    """
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=()):
        layers = [nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.LayerNorm(WIDTH)]
        chain = nn.Sequential(*(layer for _ in range(LAYERS) for layer in layers))
        numbers = torch.randn(1, WIDTH)

    def forward() -> None:
        with torch.inference_mode():
            chain(numbers)

    def step() -> None:
        chain.zero_grad(set_to_none=True)
        chain(numbers).sum().backward()

    run = step if trains else forward
    run()
    return best_s(device, run, CALLS) / _num_operators(run)


def _num_operators(run: Callable[[], None]) -> int:
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counter(TorchDispatchMode):
        """Counts what reaches the dispatcher."""

        count = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
            self.count += 1
            return func(*args, **(kwargs or {}))

    with Counter() as counter:
        run()
    return counter.count
