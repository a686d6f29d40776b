"""Colour augmentations, each image with its own factor; the results are those of torchvision to the byte.

Levels here are whole numbers 0..255 as floats, (batch, channels, ...); results are cut off to whole numbers again.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Generator, Tensor

from vitcnn.recipes.parts import Jitter
from vitcnn.training.block import Block

MAX_LEVEL = 255
RED_GREEN_BLUE = (0.2989, 0.587, 0.114)
"""What each channel adds to the grey of a pixel, as ITU-R BT.601 has it, rounded as in torchvision."""


def random_jitter(block: Block, bounds: Jitter, generator: Generator) -> Block:
    """Scale each image's brightness, then its contrast, by its own draws."""
    device = block.images.device
    draws = torch.rand((2, len(block.images)), generator=generator, device=device, dtype=torch.float64).mul_(2).sub_(1)
    brightness, contrast = 1 + draws[0] * bounds.brightness, 1 + draws[1] * bounds.contrast
    return replace(block, images=jitter(block.images, brightness, contrast))


def jitter(images: Tensor, brightness: Tensor, contrast: Tensor) -> Tensor:
    """Scale the brightness of uint8 images, then their contrast, by factors, float64 (batch,)."""
    lit = scaled(images.float(), brightness)
    return blend(lit, mean(grey(lit)), contrast).to(torch.uint8)


def scaled(levels: Tensor, factors: Tensor) -> Tensor:
    """Multiply by `factors`, float64 (batch,): torchvision's adjust_brightness."""
    return whole(levels * per_image(factors, levels))


def blend(levels: Tensor, other: Tensor, factors: Tensor) -> Tensor:
    """Move away from `other`, or towards it where `factors`, float64 (batch,), are below 1."""
    return whole(levels * per_image(factors, levels) + other * per_image(1 - factors, levels))


def mean(greys: Tensor) -> Tensor:
    """Return the mean of each image, (batch, 1, 1, 1)."""
    return greys.mean(dim=(1, 2, 3), keepdim=True)


def grey(levels: Tensor) -> Tensor:
    """Return the grey of each pixel, (batch, 1, px, px); images have one channel, which is grey, or three."""
    if levels.shape[1] == 1:
        return levels
    red, green, blue = (share * levels[:, i : i + 1] for i, share in enumerate(RED_GREEN_BLUE))
    return (red + green + blue).floor_()


def whole(levels: Tensor) -> Tensor:
    """Return levels as bytes have them, in place."""
    return levels.clamp_(0, MAX_LEVEL).floor_()


def per_image(values: Tensor, images: Tensor) -> Tensor:
    """Return `values`, (batch,), so that each meets the whole of its image, in the images' type."""
    return values.to(images.dtype).reshape(-1, *[1] * (images.ndim - 1))
