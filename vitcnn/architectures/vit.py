"""Vision Transformers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vitcnn.architectures.any_timm import (
    IMAGENET,
    LARGEST_SMALL_PX,
    TIMM_RESULTS,
    TORCHVISION,
    timm_model,
    timm_transformer,
)
from vitcnn.input_sizes import Takes
from vitcnn.spec import Architecture, InputShape, Published

if TYPE_CHECKING:
    from torch import nn


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


def build_vit_tiny(shape: InputShape, **options: Any) -> nn.Module:
    """Timm's ViT-Ti/16 above 32 px, the same with patches of 4 px up to there, as study C has it."""
    if shape.px <= LARGEST_SMALL_PX:
        return timm_model("vit_tiny_patch16_224", shape, fixed_px=True, patch_size=4, **options)
    return timm_transformer("vit_tiny_patch16_224", shape, **options)


VIT_MICRO = Architecture(
    name="vit_micro",
    family="vit",
    takes=Takes(step_px=4, at_least_px=28, at_most_px=32),
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
    takes=Takes(step_px=16, at_least_px=32, also_px=(28,)),
    builder=build_vit_tiny,
    published=Published(
        shape=IMAGENET,
        parameters=5_717_416,
        macs=1_260_000_000,
        source=f"{TIMM_RESULTS}: 5.72 M, 1.26 GMACs; parameters to the unit counted by hand",
    ),
    source="Touvron et al., Training data-efficient image transformers, arXiv 2012.12877; Steiner et al., 2106.10270",
    hub="vit_tiny_patch16_224.augreg_in21k_ft_in1k",
)

VIT_SMALL = Architecture(
    name="vit_small",
    family="vit",
    takes=Takes(step_px=16, at_least_px=224),
    builder=partial(timm_transformer, "vit_small_patch16_224"),
    published=Published(
        shape=IMAGENET,
        parameters=22_050_664,
        macs=4_610_000_000,
        source=f"{TIMM_RESULTS}: 22.05 M, 4.61 GMACs; parameters to the unit counted by hand",
    ),
    source="Touvron et al., arXiv 2012.12877; Steiner et al., 2106.10270",
    hub="vit_small_patch16_224.augreg_in21k_ft_in1k",
)

VIT_BASE = Architecture(
    name="vit_base",
    family="vit",
    takes=Takes(step_px=16, at_least_px=224),
    builder=partial(timm_transformer, "vit_base_patch16_224"),
    published=Published(
        shape=IMAGENET,
        parameters=86_567_656,
        macs=17_564_000_000,
        source=f"{TORCHVISION} ViT_B_16_Weights.IMAGENET1K_V1",
    ),
    source="Dosovitskiy et al., An image is worth 16x16 words, arXiv 2010.11929 (studies A and B)",
    hub="vit_base_patch16_224.augreg2_in21k_ft_in1k",
)

VIT_LARGE = Architecture(
    name="vit_large",
    family="vit",
    takes=Takes(step_px=16, at_least_px=224),
    builder=partial(timm_transformer, "vit_large_patch16_224"),
    published=Published(
        shape=IMAGENET,
        parameters=304_326_632,
        macs=61_555_000_000,
        source=f"{TORCHVISION} ViT_L_16_Weights.IMAGENET1K_V1",
    ),
    source="Dosovitskiy et al., arXiv 2010.11929 (study D's ViT)",
    hub="vit_large_patch16_224.augreg_in21k_ft_in1k",
)

SWIN_TINY = Architecture(
    name="swin_tiny",
    family="vit",
    takes=Takes(step_px=32, at_least_px=224),
    builder=partial(timm_model, "swin_tiny_patch4_window7_224", fixed_px=True),
    published=Published(
        shape=IMAGENET,
        parameters=28_288_354,
        macs=4_491_000_000,
        source=f"{TORCHVISION} Swin_T_Weights.IMAGENET1K_V1",
    ),
    source="Liu et al., Swin Transformer, arXiv 2103.14030 (study D's word for it: a hybrid)",
    hub="swin_tiny_patch4_window7_224.ms_in1k",
)
