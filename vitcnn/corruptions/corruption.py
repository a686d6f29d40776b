"""What a corruption is, and how it is applied to images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from vitcnn.errors import UserError

NUM_SEVERITIES = 5

SCALED_FROM_PX = 32
"""Lengths in pixels are meant for images up to this size; on larger ones they grow with it."""


@dataclass(frozen=True, kw_only=True)
class Corruption:
    """One way to make images worse, at five severities: their strengths in `unit`, the mildest first.

    `apply` is given images as floats of grey levels 0..255, (batch, channels, px, px), a strength, and a generator on
    their device for what it draws for each image. It returns grey levels, which may lie beyond 0..255.
    """

    name: str
    unit: str
    severities: tuple[float, ...]
    apply: Callable[[Tensor, float, Generator], Tensor]
    source: str

    def __post_init__(self) -> None:
        if len(self.severities) != NUM_SEVERITIES:
            field, do = f"severities of {self.name}", "Give one strength for each."
            raise UserError(field=field, value=self.severities, allowed=f"{NUM_SEVERITIES} strengths", do=do)


def corrupted(images: Tensor, corruption: Corruption, severity: int, *, seed: int) -> Tensor:
    """Return `images`, uint8 (batch, channels, px, px), corrupted, on their device; severity 0 leaves them as they are.

    What is drawn for an image depends on the seed, the corruption, the batch's shape and the kind of device, not on the
    severity: a stronger one is more of the same.
    """
    if severity == 0:
        return images
    generator = torch.Generator(images.device).manual_seed(seed)
    grey = corruption.apply(images.float(), corruption.severities[severity - 1], generator)
    return grey.round_().clamp_(0, 255).to(torch.uint8)


def in_px(strength: float, images: Tensor) -> float:
    """Return a length in pixels of these images."""
    return strength * max(1.0, images.shape[-1] / SCALED_FROM_PX)


def signs(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Return -1 or 1, as likely as each other, float, on the generator's device."""
    return torch.randint(0, 2, shape, generator=generator, device=generator.device).float() * 2 - 1
