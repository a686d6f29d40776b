"""Which family timm's models belong to, by the module of timm that defines them, as their papers describe them.

A `vit` mixes tokens by attention, in patches or windows, whatever makes the patches. A `cnn` mixes by convolution. A
`hybrid` has blocks of both. `other` mixes in another way: by MLPs, pooling, recurrence, state spaces or modulation.
"""

from __future__ import annotations

from vitcnn.spec import Family

MODULES: dict[Family, str] = {
    "vit": """
        beit cait convit crossvit davit deepseek_vit deit efficientvit_msra eva gcvit gemma4_vit hiera hieradet_sam2
        mvitv2 naflexvit nest pit pvt_v2 qwen3_vit swin_transformer swin_transformer_v2 swin_transformer_v2_cr tnt twins
        vision_transformer vision_transformer_relpos vision_transformer_sam volo xcit
    """,
    "cnn": """
        byobnet convmixer convnext cspnet cspnext densenet dla dpn efficientnet fasternet ghostnet hardcorenas hgnet
        hrnet inception_next inception_resnet_v2 inception_v3 inception_v4 lcnetv2 mambaout mobilenetv3 nasnet nfnet
        pnasnet rdnet regnet repghost repvit res2net resnest resnet resnetv2 rexnet selecsls senet sknet starnet tresnet
        vgg vovnet xception xception_aligned
    """,
    "hybrid": """
        byoanet coat cpubone csatv2 edgenext efficientformer efficientformer_v2 efficientvit_mit fastvit iformer levit
        lowformer maxxvit mobilenetv5 mobilevit nextvit shvit swiftformer tiny_vit visformer vision_transformer_hybrid
        vitamin
    """,
    "other": "efficientvim focalnet metaformer mlp_mixer sequencer",
}

BEGINNINGS: dict[str, Family] = {
    "caformer": "hybrid",
    "convformer": "cnn",
    "mobilenetv4_hybrid": "hybrid",
}
"""Models that are of another family than others of their module, by how their names begin."""

OF_MODULES: dict[str, Family] = {module: family for family, modules in MODULES.items() for module in modules.split()}


def timm_family(name: str, module: str) -> Family | None:
    """Return the family of timm's model `name`, defined in its `module`; None where a newer timm has one more."""
    for beginning, family in BEGINNINGS.items():
        if name.startswith(beginning):
            return family
    return OF_MODULES.get(module)
