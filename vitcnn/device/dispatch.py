"""Measures what an operator costs on a CPU before it computes anything: Python, torch's dispatcher and allocation."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

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

    from vitcnn.device.operators import OperatorCounter

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
    with OperatorCounter() as counter:
        run()
    return best_s(device, run, CALLS) / counter.counts["operators"]
