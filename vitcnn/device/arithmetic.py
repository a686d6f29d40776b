"""Measures how fast the device multiplies large matrices, to compare the arithmetic of a model with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from vitcnn.spec import Precision

if TYPE_CHECKING:
    from vitcnn.device.which import Device

MATRIX_SIZE = {"cpu": 1024, "cuda": 8192}
"""Rows and columns: enough to be bound by arithmetic, few enough for a fraction of a second."""

CALLS = {"cpu": 1, "cuda": 4}
"""Products between two looks at the clock, so that waiting for a GPU does not count."""

BUDGET_S = 0.2
AT_LEAST = 3


@cache
def matmul_flops_per_s(device: Device, precision: Precision) -> float:
    """Return the FLOP/s of a product of two large random square matrices: the best of several rounds.

    Measured once a process. Multiplications and additions both count, 2 n^3 in all; TF32 is as it is set.
    """
    import torch

    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    size, calls = MATRIX_SIZE[device.kind], CALLS[device.kind]
    generator = torch.Generator(device.name).manual_seed(0)
    left, right = (torch.randn(size, size, device=device.name, generator=generator).to(dtype) for _ in range(2))
    product = left @ right
    seconds = best_s(device, lambda: torch.mm(left, right, out=product), calls)
    return 2.0 * size**3 / seconds


def best_s(device: Device, run: Callable[[], object], calls: int) -> float:
    """Return the seconds of one call of `run` in the best of several rounds of `calls`."""
    times_s: list[float] = []
    while len(times_s) < AT_LEAST or sum(times_s) < BUDGET_S:
        start = device.timer()
        for _ in range(calls):
            run()
        times_s.append(device.timer() - start)
    return min(times_s) / calls
