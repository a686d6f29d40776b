"""Batches of images as tensors: bytes to floats, other sizes, other places of the pixels. All on the images' device."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def normalize(images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Turn uint8 images 0..255 into floats -1..1 of `dtype`."""
    return images.to(dtype).mul_(2 / 255).sub_(1)


class Resize(nn.Module):
    """Resizes images on their device: (batch, channels, *, *) -> (batch, channels, px, px).

    Bilinear; with antialiasing where it shrinks, in fp32, since torch has no antialiased bf16 on a CPU.
    """

    def __init__(self, px: int) -> None:
        super().__init__()
        self.px = px

    def forward(self, images: Tensor) -> Tensor:
        size = (self.px, self.px)
        if self.px < images.shape[-1]:
            return F.interpolate(images.float(), size=size, mode="bilinear", antialias=True).to(images.dtype)
        return F.interpolate(images, size=size, mode="bilinear")


def shrunk(images: Tensor, px: int) -> Tensor:
    """Return images, uint8, at `px` pixels a side, antialiased; themselves where they are no larger."""
    return images if images.shape[-1] <= px else Resize(px)(images.float()).round().to(torch.uint8)


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
