"""Vision Transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitcnn.architectures.any_timm import timm_model
from vitcnn.architectures.cnn import TIMM_RESULTS
from vitcnn.spec import Architecture, InputShape, Published

if TYPE_CHECKING:
    from torch import nn

LARGEST_SMALL_PX = 32
"""Up to here patches of 4 px; above it the published 16 px, with position embeddings for the resolution."""


def build_vit_micro(shape: InputShape) -> nn.Module:
    """Build a small ViT for small images: 16 patches, dim 96, 2 blocks, 4 heads, the mean of the tokens.

    Initialised for short training from scratch: Xavier weights, and position embeddings large enough to tell patches
    apart from the first step.
    """
    from timm.models.vision_transformer import VisionTransformer
    from torch import nn

    model = VisionTransformer(
        img_size=shape.px,
        patch_size=shape.px // 4,
        in_chans=shape.channels,
        num_classes=shape.num_classes,
        embed_dim=96,
        depth=2,
        num_heads=4,
        mlp_ratio=2,
        class_token=False,
        global_pool="avg",
        fc_norm=False,
        weight_init="moco",
    )
    assert model.pos_embed is not None
    nn.init.normal_(model.pos_embed, std=0.5)
    return model


def build_vit_tiny(shape: InputShape) -> nn.Module:
    """Timm's ViT-Ti/16 above 32 px, the same with patches of 4 px up to there."""
    patch_size = 4 if shape.px <= LARGEST_SMALL_PX else 16
    return timm_model("vit_tiny_patch16_224", shape, fixed_px=True, patch_size=patch_size)


VIT_MICRO = Architecture(
    name="vit_micro",
    family="vit",
    resolutions={28: 28, 32: 32},
    builder=build_vit_micro,
    published=Published(
        shape=InputShape(px=28, channels=1, num_classes=10),
        parameters=4_800 + 16 * 96 + 2 * 74_784 + 192 + 970,
        macs=16 * 49 * 96 + 2 * (16 * 8 * 96 * 96 + 2 * 16 * 16 * 96) + 960,
        source="counted by hand",
    ),
    source="ours: Dosovitskiy et al., arXiv 2010.11929, made small; mean of the tokens as Beyer et al., 2205.01580",
)

VIT_TINY = Architecture(
    name="vit_tiny",
    family="vit",
    resolutions={28: 28, 32: 32, 224: 224, 512: 512},
    builder=build_vit_tiny,
    published=Published(
        shape=InputShape(px=224, channels=3, num_classes=1000),
        parameters=5_717_416,
        macs=1_260_000_000,
        source=f"{TIMM_RESULTS}: 5.72 M, 1.26 GMACs; parameters to the unit counted by hand",
    ),
    source="Touvron et al., Training data-efficient image transformers, arXiv 2012.12877; Steiner et al., 2106.10270",
)
