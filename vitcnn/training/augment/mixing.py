"""MixUp and CutMix, drawn for each image: they mix the pixels and labels of two images."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from vitcnn.recipes.parts import Mix
from vitcnn.training.augment.erasing import Rectangles
from vitcnn.training.block import Block


@dataclass(frozen=True, kw_only=True)
class Draws:
    """How much of each image stays its own: a share, float (batch,), outside of a rectangle, and nothing inside."""

    share: Tensor
    cut: Rectangles


def random_mix(block: Block, bounds: Mix, generator: Generator) -> Block:
    """Mix each image with the one before it, which is any other one, since blocks are in random order."""
    return mix(block, draw(bounds, len(block.images), block.images.shape[-1], generator))


def draw(bounds: Mix, count: int, px: int, generator: Generator) -> Draws:
    """Draw for `count` images of `px` pixels a side: MixUp, CutMix or neither."""
    kind = torch.rand(count, generator=generator, device=generator.device)
    mixes_up = kind < bounds.mixup_share
    cuts = (kind >= bounds.mixup_share) & (kind < bounds.mixup_share + bounds.cutmix_share)
    share = torch.where(mixes_up, draw_beta(bounds.mixup_alpha, count, generator), 1.0)
    box = draw_box(draw_beta(bounds.cutmix_alpha, count, generator), px, generator)
    return Draws(share=share, cut=replace(box, height=box.height * cuts))


def draw_beta(alpha: float, count: int, generator: Generator) -> Tensor:
    """Draw from Beta(alpha, alpha), float32 (count,).

    The share of one of two gamma variates in their sum; torch.distributions.Beta takes no generator.
    """
    alphas = torch.full((2, count), alpha, dtype=torch.float64, device=generator.device)
    gammas = torch._standard_gamma(alphas, generator=generator)
    return (gammas[0] / gammas.sum(dim=0)).float()


def draw_box(kept: Tensor, px: int, generator: Generator) -> Rectangles:
    """Draw squares of 1 - `kept` of the area, about any pixel; what sticks out of the image is cut off."""
    half = (0.5 * (1 - kept).sqrt() * px).long()
    middle = torch.randint(px, (2, len(kept)), generator=generator, device=kept.device)
    start, stop = (middle - half).clamp_(min=0), (middle + half).clamp_(max=px)
    height, width = stop - start
    return Rectangles(top=start[0], left=start[1], height=height, width=width)


def mix(block: Block, draws: Draws) -> Block:
    """Mix each image, float, and its target with those of the one before it; the targets become shares of classes.

    A target's share is that of the pixels: where a rectangle was cut it is the rest of the area.
    """
    height, width = block.images.shape[-2:]
    own = draws.share[:, None, None] * draws.cut.covers(height, width).logical_not_()
    area = draws.cut.height * draws.cut.width
    images = _blend(block.images, own[:, None])
    targets = _blend(shares(block), (draws.share * (1 - area / (height * width)))[:, None])
    return replace(block, images=images, targets=targets)


def shares(block: Block) -> Tensor:
    """Return the targets as shares of classes, float (batch, classes)."""
    if block.targets.is_floating_point():
        return block.targets
    return (block.targets[:, None] == torch.arange(block.num_classes, device=block.targets.device)).float()


def _blend(values: Tensor, own: Tensor) -> Tensor:
    """Return `own` of each value, and of the one before it what is missing to 1."""
    return (values * own).addcmul_(values.roll(1, 0), 1 - own)
