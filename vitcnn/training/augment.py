"""Augmentation of whole batches on the device, with a different draw for each image."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from vitcnn.spec import Affine


def random_affine(images: Tensor, bounds: Affine, generator: Generator) -> Tensor:
    """Rotate, shear, scale and shift each image, float (batch, channels, px, px), by its own draw.

    What comes from outside the image repeats the nearest border pixel. `generator` lives on the images' device.
    """
    batch, _, height, width = images.shape
    draws = torch.rand((5, batch), generator=generator, device=images.device).mul_(2).sub_(1)
    angle, shear = draws[0] * math.radians(bounds.degrees), draws[1] * math.radians(bounds.shear_degrees)
    zoom = 1 + draws[2] * bounds.scale
    shift_x, shift_y = (
        draws[3] * (2 * bounds.translate_px / width),
        draws[4] * (2 * bounds.translate_px / height),
    )
    return warp(images, affine_matrices(angle, shear, zoom, shift_x, shift_y))


def random_flip(images: Tensor, share: float, generator: Generator) -> Tensor:
    """Mirror each image, (batch, channels, px, px), left to right with probability `share`."""
    if not share:
        return images
    flipped = torch.rand(len(images), generator=generator, device=images.device) < share
    return torch.where(flipped[:, None, None, None], images.flip(-1), images)


def affine_matrices(angle: Tensor, shear: Tensor, zoom: Tensor, shift_x: Tensor, shift_y: Tensor) -> Tensor:
    """Return (batch, 2, 3) matrices from output to input coordinates, -1..1; angles in radians, all (batch,)."""
    cos, sin = torch.cos(angle), torch.sin(angle)
    slant = torch.tan(shear)
    row_x = torch.stack((cos / zoom, (cos * slant - sin) / zoom, shift_x), dim=-1)
    row_y = torch.stack((sin / zoom, (sin * slant + cos) / zoom, shift_y), dim=-1)
    return torch.stack((row_x, row_y), dim=1)


def warp(images: Tensor, matrices: Tensor) -> Tensor:
    """Resample `images` at the coordinates that `matrices`, (batch, 2, 3), give for each output pixel; bilinear."""
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False).to(images.dtype)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
