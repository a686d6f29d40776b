"""A frozen first layer that whitens small patches; its weights are computed from the training images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

PATCH_PX = 2
RELATIVE_EPS = 5e-4
"""Added to each direction's variance, as a share of their mean: where images hardly vary, noise is not blown up."""


class Whitening(nn.Conv2d):
    """Projects each 2x2 patch to its principal directions, each with both signs, at equal variance.

    (batch, channels, px, px) -> (batch, 8 * channels, px - 1, px - 1). The weight is frozen and random until
    `initialize_from` has seen images; the bias trains. Source: Jordan, arXiv 2404.00498, section 3.2.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, 2 * channels * PATCH_PX**2, PATCH_PX)
        self.weight.requires_grad_(False)

    @torch.no_grad()
    def initialize_from(self, images: Tensor) -> None:
        """Set the weight to the directions of `images`, normalised floats, and the bias to take off their mean."""
        directions, mean = principal_directions(patches(images.float()))
        weight = torch.cat((directions, -directions))
        assert self.bias is not None
        self.weight.copy_(weight.view_as(self.weight))
        self.bias.copy_(-(weight @ mean))


def patches(images: Tensor) -> Tensor:
    """Return every 2x2 patch, (patches, channels * 4), in the order of a convolution's weight."""
    px = images.shape[-1]
    return nn.functional.unfold(images, min(px, PATCH_PX)).transpose(1, 2).flatten(0, 1)


def principal_directions(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows that whiten `samples`, (count, values): (values, values); and the samples' mean, (values,)."""
    mean = samples.mean(dim=0)
    covariance = (samples - mean).T @ (samples - mean) / len(samples)
    variances, directions = torch.linalg.eigh(covariance)
    return directions.T / (variances.clamp(min=0) + RELATIVE_EPS * variances.mean()).sqrt()[:, None], mean
