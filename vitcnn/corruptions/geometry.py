"""Where the pixels are: shift, rotation, scale. Bilinear; what comes from outside repeats the nearest border pixel.

The recipes for digits train on up to 2 px, 10 degrees and 10 %: the mildest severities are hardly new to their models.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from vitcnn.corruptions.corruption import Corruption, in_px, signs
from vitcnn.images import affine_matrices, warp


def shift(images: Tensor, strength: float, generator: Generator) -> Tensor:
    """Move each image down or up, and right or left, by `strength` pixels each way."""
    down, right = signs((2, len(images)), generator) * in_px(strength, images)
    return shifted(images, down, right)


def rotation(images: Tensor, strength: float, generator: Generator) -> Tensor:
    """Turn each image by `strength` degrees, clockwise or not."""
    return rotated(images, signs((len(images),), generator) * strength)


def scale(images: Tensor, strength: float, generator: Generator) -> Tensor:
    """Enlarge or shrink each image by the factor `strength`."""
    return scaled(images, strength ** signs((len(images),), generator))


def shifted(images: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Move each image by its own pixels, (batch,)."""
    height, width = images.shape[-2:]
    still = torch.zeros_like(down)
    return warp(images, affine_matrices(still, still, still + 1, -2 * right / width, -2 * down / height))


def rotated(images: Tensor, degrees: Tensor) -> Tensor:
    """Turn each image clockwise by its own angle, (batch,), about its centre."""
    still = torch.zeros_like(degrees)
    return warp(images, affine_matrices(-torch.deg2rad(degrees), still, still + 1, still, still))


def scaled(images: Tensor, factors: Tensor) -> Tensor:
    """Enlarge each image by its own factor, (batch,), about its centre."""
    still = torch.zeros_like(factors)
    return warp(images, affine_matrices(still, still, factors, still, still))


SHIFT = Corruption(
    name="shift",
    unit="px",
    severities=(1.0, 2.0, 3.0, 4.0, 5.0),
    apply=shift,
    source="MNIST-C, translate: both ways at once",
)

ROTATION = Corruption(
    name="rotation",
    unit="degrees",
    severities=(12.0, 23.0, 34.0, 46.0, 57.0),
    apply=rotation,
    source="MNIST-C, rotate: 0.2 to 1 rad",
)

SCALE = Corruption(
    name="scale",
    unit="factor",
    severities=(1.1, 1.2, 1.3, 1.4, 1.5),
    apply=scale,
    source="ours; MNIST-C shrinks by 1.1 to 2 and never enlarges",
)
