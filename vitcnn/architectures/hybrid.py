"""Hybrids: convolutions and attention in one model."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from vitcnn.architectures.any_timm import IMAGENET, TIMM_RESULTS, timm_model, timm_transformer
from vitcnn.input_sizes import Takes
from vitcnn.spec import Architecture, InputShape, Published

if TYPE_CHECKING:
    from torch import nn


def build_speedrun_vit(shape: InputShape) -> nn.Module:
    """Build our ViT of the speed runs: overlapping patches out of a CNN's first layers, then a small ViT."""
    from vitcnn.architectures.layers.speedrun_vit import SpeedrunVit

    return SpeedrunVit(shape.px, shape.channels, shape.num_classes)


VIT_HYBRID = Architecture(
    name="vit_hybrid",
    family="hybrid",
    takes=Takes(step_px=32, at_least_px=224),
    builder=partial(timm_transformer, "vit_small_r26_s32_224"),
    published=Published(
        shape=IMAGENET,
        parameters=36_431_912,
        macs=3_560_000_000,
        source=f"{TIMM_RESULTS}: 36.43 M, 3.56 GMACs; parameters to the unit as timm builds it",
        macs_exception="the source also counts the group norms and the standardisation of the stem's weights, 0.10 G",
    ),
    source="Steiner et al., How to train your ViT?, arXiv 2106.10270: R26+S/32, a ResNet stem before a ViT body",
    hub="vit_small_r26_s32_224.augreg_in21k_ft_in1k",
)

COATNET_0 = Architecture(
    name="coatnet_0",
    family="hybrid",
    takes=Takes(step_px=32, at_least_px=224),
    builder=partial(timm_model, "coatnet_0_rw_224", fixed_px=True),
    published=Published(
        shape=IMAGENET,
        parameters=27_435_562,
        macs=4_430_000_000,
        source=f"{TIMM_RESULTS}: 27.44 M, 4.43 GMACs; parameters to the unit as timm builds it",
    ),
    source="Dai et al., CoAtNet, arXiv 2106.04803, in timm's variant coatnet_0_rw, for which there are weights",
    hub="coatnet_0_rw_224.sw_in1k",
)

SPEEDRUN_VIT = Architecture(
    name="speedrun_vit",
    family="hybrid",
    takes=Takes(step_px=4, at_least_px=28, at_most_px=32),
    builder=build_speedrun_vit,
    published=Published(
        shape=InputShape(px=32, channels=3, num_classes=10),
        parameters=24 * 12
        + 24
        + 9 * (24 * 64 + 64 * 192)
        + 2 * (64 + 192)
        + 49 * 192
        + 4 * (2 * 2 * 192 + 8 * 192 * 192)
        + 2 * 192
        + 1_930,
        macs=31 * 31 * (12 * 24 + 9 * 24 * 64)
        + 15 * 15 * 9 * 64 * 192
        + 4 * (49 * 8 * 192 * 192 + 2 * 49 * 49 * 192)
        + 1_920,
        source="counted by hand",
    ),
    source="ours: the first layers of arXiv 2404.00498 before the blocks of Dosovitskiy et al., arXiv 2010.11929",
)
