"""Batches of images as tensors: bytes to floats, other sizes, other places of the pixels. All on the images' device."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def normalize(images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Turn uint8 images 0..255 into floats -1..1 of `dtype`."""
    return images.to(dtype).mul_(2 / 255).sub_(1)


NO_IMAGE = -2.0
"""Every value at a place of a sequence that holds no image: no pixel of an image, -1..1, has it."""


def holds_image(sequences: Tensor) -> Tensor:
    """Return which places of sequences (batch, length, channels, px, px) hold an image: bool (batch, length)."""
    return sequences[:, :, 0, 0, 0] > (NO_IMAGE - 1) / 2


def in_sequences(images: Tensor, members: Tensor) -> Tensor:
    """Return the sequences of `images`, floats (images, channels, px, px), at the places `members`, (batch, length).

    They are (batch, length, channels, px, px); where a place is -1, `NO_IMAGE`.
    """
    flat = images.index_select(0, members.clamp(min=0).flatten())
    sequences = flat.view(*members.shape, *images.shape[1:])
    return sequences.masked_fill_((members < 0)[:, :, None, None, None], NO_IMAGE)


class Resize(nn.Module):
    """Resizes images on their device: (batch, channels, *, *) -> (batch, channels, px, px).

    Bilinear; with antialiasing where it shrinks, in fp32, since torch has no antialiased bf16 on a CPU.
    """

    def __init__(self, px: int) -> None:
        super().__init__()
        self.px = px

    def forward(self, images: Tensor) -> Tensor:
        if images.ndim > 4:  # sequences of images
            return self(images.flatten(0, -4)).unflatten(0, images.shape[:-3])
        size = (self.px, self.px)
        if self.px < images.shape[-1]:
            return F.interpolate(images.float(), size=size, mode="bilinear", antialias=True).to(images.dtype)
        return F.interpolate(images, size=size, mode="bilinear")


class Rescale(nn.Module):
    """Turns images of -1..1 into what weights were trained on: 0..1, less `mean`, by `std`, of each channel."""

    scale: Tensor
    shift: Tensor

    def __init__(self, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.mean, self.std = list(mean), list(std)
        means, stds = (torch.tensor(values)[:, None, None] for values in (mean, std))
        self.register_buffer("scale", 0.5 / stds, persistent=False)
        self.register_buffer("shift", (0.5 - means) / stds, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return images * self.scale + self.shift


IN_FRONT = (Resize, Rescale)
"""What stands before a model in an nn.Sequential of two, so that it takes the images of a task."""


def core_of(model: nn.Module) -> nn.Module:
    """Return the architecture's own module, without what only prepares the images for it."""
    while isinstance(model, nn.Sequential) and len(model) == 2 and isinstance(model[0], IN_FRONT):
        model = model[1]
    return model


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
