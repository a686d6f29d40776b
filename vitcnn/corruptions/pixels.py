"""What the pixels show: noise, blur, contrast, occlusion."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from vitcnn.corruptions.corruption import Corruption, in_px

MID_GREY = 128.0
TRUNCATE = 4.0
"""Standard deviations of a Gaussian after which nothing follows."""


def gaussian_noise(images: Tensor, strength: float, generator: Generator) -> Tensor:
    """Add normal noise of standard deviation `strength` times 255 to each value."""
    noise = torch.randn(images.shape, generator=generator, device=images.device)
    return images + 255 * strength * noise


def blur(images: Tensor, strength: float, _generator: Generator) -> Tensor:
    """Blur with a Gaussian of standard deviation `strength` pixels; beyond the border its pixels repeat."""
    along = gaussian_matrix(images.shape[-1], in_px(strength, images)).to(images.device)
    return along @ images @ along.T


def gaussian_matrix(px: int, sigma: float) -> Tensor:
    """Return the (px, px) matrix that blurs a column of pixels: five times faster here than a convolution."""
    radius = int(TRUNCATE * sigma + 0.5)
    steps = torch.arange(-radius, radius + 1)
    weights = torch.exp(-0.5 * (steps / sigma) ** 2)
    sources = (torch.arange(px)[:, None] + steps).clamp(0, px - 1)
    return torch.zeros(px, px).scatter_add_(1, sources, (weights / weights.sum()).expand(px, -1))


def contrast(images: Tensor, strength: float, _generator: Generator) -> Tensor:
    """Scale the contrast of each channel of each image about its mean by `strength`."""
    means = images.mean((2, 3), keepdim=True)
    return means + strength * (images - means)


def occlusion(images: Tensor, strength: float, generator: Generator) -> Tensor:
    """Cover a share of each image's area by a grey square, which lies anywhere inside."""
    px = images.shape[-1]
    side = round(px * math.sqrt(strength))
    top, left = torch.rand((2, len(images)), generator=generator, device=images.device).mul(px - side + 1).long()
    return occluded(images, side, top, left)


def occluded(images: Tensor, side: int, top: Tensor, left: Tensor) -> Tensor:
    """Set a square of each image to mid-grey; its `side` in pixels, its corner at `top` and `left`, int64 (batch,)."""
    places = torch.arange(images.shape[-1], device=images.device)
    rows, columns = ((places >= start[:, None]) & (places < start[:, None] + side) for start in (top, left))
    inside = rows[:, None, :, None] & columns[:, None, None, :]
    return images.masked_fill(inside, MID_GREY)


GAUSSIAN_NOISE = Corruption(
    name="gaussian_noise",
    unit="share of 255",
    severities=(0.08, 0.12, 0.18, 0.26, 0.38),
    apply=gaussian_noise,
    source="ImageNet-C and MNIST-C, gaussian_noise",
)

BLUR = Corruption(
    name="blur",
    unit="px",
    severities=(0.5, 1.0, 1.5, 2.0, 3.0),
    apply=blur,
    source="ours, between CIFAR-10-C, 0.4 to 1 px, and MNIST-C, 1 to 6 px",
)

CONTRAST = Corruption(
    name="contrast",
    unit="factor",
    severities=(0.4, 0.3, 0.2, 0.1, 0.05),
    apply=contrast,
    source="ImageNet-C and MNIST-C, contrast",
)

OCCLUSION = Corruption(
    name="occlusion",
    unit="share of area",
    severities=(0.05, 0.1, 0.15, 0.2, 0.25),
    apply=occlusion,
    source="ours, up to the square of Cutout on CIFAR-10 (DeVries, Taylor, arXiv 1708.04552: 16 of 32 px), in grey",
)
