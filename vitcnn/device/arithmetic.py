"""Measures how fast the device computes at its best, to compare the arithmetic of a model with it.

Two libraries can compute matrix products and convolutions, and neither is always the faster one. The peak is therefore
the larger of the two rates, of a large matrix product and of a large convolution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from vitcnn.spec import Precision

if TYPE_CHECKING:
    from torch import Tensor

    from vitcnn.device.which import Device

MATRIX_SIZE = {"cpu": 1024, "cuda": 8192}
"""Rows and columns: enough to be bound by arithmetic, few enough for a fraction of a second."""

CONVOLVED = {"cpu": (4, 256, 28, 28), "cuda": (128, 512, 28, 28)}
"""Images, channels before and after, height and width of a 3x3 convolution of about as many FLOPs."""

CALLS = {"cpu": 1, "cuda": 4}
"""Calls between two looks at the clock, so that waiting for a GPU does not count."""

BUDGET_S = 0.2
AT_LEAST = 3

MOST_LOOKS = 3
"""Looks at the peak in a process and a precision, of which each takes twice the budget."""


@dataclass(frozen=True, kw_only=True)
class Peak:
    """The best FLOP/s of a large matrix product and of a large 3x3 convolution that were seen."""

    matmul_flops_per_s: float
    convolution_flops_per_s: float

    @property
    def flops_per_s(self) -> float:
        """The larger one."""
        return max(self.matmul_flops_per_s, self.convolution_flops_per_s)


class Looks:
    """What was seen of the peak so far, in one precision: a machine can be busy with something else at one look."""

    def __init__(self, device: Device, precision: Precision) -> None:
        self.device = device
        self.precision = precision
        self.num_looks = 0
        self.looked_for = 0.0
        self.best = Peak(matmul_flops_per_s=0.0, convolution_flops_per_s=0.0)

    def peak(self, reached_flops_per_s: float) -> Peak:
        """Return the best of all looks; look again where `reached_flops_per_s` is above it, and was not looked for."""
        if not self.num_looks:
            self._look()
        if reached_flops_per_s > max(self.best.flops_per_s, self.looked_for) and self.num_looks < MOST_LOOKS:
            self._look()
            self.looked_for = reached_flops_per_s
        return self.best

    def _look(self) -> None:
        self.num_looks += 1
        self.best = Peak(
            matmul_flops_per_s=max(self.best.matmul_flops_per_s, matmul_flops_per_s(self.device, self.precision)),
            convolution_flops_per_s=max(
                self.best.convolution_flops_per_s, convolution_flops_per_s(self.device, self.precision)
            ),
        )


@cache
def _looks(device: Device, precision: Precision) -> Looks:
    return Looks(device, precision)


def peak(device: Device, precision: Precision, *, reached_flops_per_s: float = 0.0) -> Peak:
    """Return the best FLOP/s that this process has seen of the device in a precision; TF32 is as it is set.

    It is measured when it is first asked for, and again, up to twice more, where a model reached more than that.
    """
    return _looks(device, precision).peak(reached_flops_per_s)


def matmul_flops_per_s(device: Device, precision: Precision) -> float:
    """Measure the FLOP/s of a product of two large random square matrices: the best of several rounds.

    Multiplications and additions both count, 2 n^3 in all.
    """
    import torch

    size = MATRIX_SIZE[device.kind]
    left, right = _random(device, precision, (size, size), (size, size))
    product = left @ right
    seconds = best_s(device, lambda: torch.mm(left, right, out=product), CALLS[device.kind])
    return 2.0 * size**3 / seconds


def convolution_flops_per_s(device: Device, precision: Precision) -> float:
    """Measure the FLOP/s of a large 3x3 convolution of random numbers in channels_last: the best of several rounds.

    Multiplications and additions both count, those with the padding of zeros too, as torch's flop counter does it.
    """
    import torch
    from torch.nn import functional as F

    batch, channels, height, width = CONVOLVED[device.kind]
    tensors = _random(device, precision, (batch, channels, height, width), (channels, channels, 3, 3))
    images, weights = (tensor.contiguous(memory_format=torch.channels_last) for tensor in tensors)
    with torch.inference_mode():
        F.conv2d(images, weights, padding=1)  # cuDNN chooses its kernel in the first call
        seconds = best_s(device, lambda: F.conv2d(images, weights, padding=1), CALLS[device.kind])
    return 2.0 * batch * channels**2 * 9 * height * width / seconds


def _random(device: Device, precision: Precision, *shapes: tuple[int, ...]) -> list[Tensor]:
    """Return tensors of normally distributed numbers: zeros would be faster."""
    import torch

    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    generator = torch.Generator(device.name).manual_seed(0)
    return [torch.randn(shape, device=device.name, generator=generator).to(dtype) for shape in shapes]


def best_s(device: Device, run: Callable[[], object], calls: int) -> float:
    """Return the seconds of one call of `run` in the best of several rounds of `calls`."""
    times_s: list[float] = []
    while len(times_s) < AT_LEAST or sum(times_s) < BUDGET_S:
        start = device.timer()
        for _ in range(calls):
            run()
        times_s.append(device.timer() - start)
    return min(times_s) / calls
