"""Measures how fast the device copies a large tensor, to compare what a model reads and writes with it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from vitcnn.device.arithmetic import best_s

if TYPE_CHECKING:
    from vitcnn.device.which import Device

COPIED_BYTES = {"cpu": 1 << 27, "cuda": 1 << 28}
"""More than any cache holds."""

CALLS = {"cpu": 1, "cuda": 4}
"""Copies between two looks at the clock, so that waiting for a GPU does not count."""

RANDOM_BYTES = 1 << 24
"""So many are drawn, and repeated."""


@cache
def copy_bytes_per_s(device: Device) -> float:
    """Return the bytes a second that a copy from one large tensor to another moves: the best of several rounds.

    Measured once a process. What is read and what is written both count, twice the size of the tensor in all.
    """
    import torch

    generator = torch.Generator(device.name).manual_seed(0)
    drawn = torch.randint(256, (RANDOM_BYTES,), device=device.name, generator=generator, dtype=torch.uint8)
    source = drawn.repeat(COPIED_BYTES[device.kind] // RANDOM_BYTES)
    copy = torch.empty_like(source)
    copy.copy_(source)  # an operating system gives memory when it is written for the first time
    return 2.0 * source.nbytes / best_s(device, lambda: copy.copy_(source), CALLS[device.kind])
