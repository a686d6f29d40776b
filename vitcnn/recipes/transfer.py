"""Recipes of ours for adapting pretrained weights: each kind of adaptation, and each kind of model, wants its own rate.

Those of small models start from weights that are trained here on rendered characters, `glyphs62`, so that transfer runs
offline. Those of deep models start from the hub's, since training these takes minutes on a GPU and hours on a CPU. A
variant starts elsewhere, `transfer_lora_vit,weights=shapes`.
"""

from dataclasses import replace

from vitcnn.recipes.parts import AdamW, Recipe, at_rate
from vitcnn.recipes.small import WRITTEN

ON_DIGITS = (
    "ours; rates chosen on every fifth training image of digits, with 100 and all others, never on the test part"
)

TRANSFER_FULL_CNN = Recipe(
    name="transfer_full_cnn",
    epochs=6,
    batch=64,
    optimizer=AdamW(peak_learning_rate=8e-3, weight_decay=0.05, betas=(0.9, 0.99)),
    warmup_share=0.2,
    augmentation=(WRITTEN,),
    weights="glyphs62",
    source=ON_DIGITS,
)
"""All of a small CNN: of the fold lenet had 92.4 % after 100 images (six seeds) and 98.4 % after all (three)."""

TRANSFER_FULL_VIT = at_rate(TRANSFER_FULL_CNN, 2e-3, name="transfer_full_vit")
"""All of a small ViT: of the fold vit_micro had 89.7 % after 100 images and 97.3 % after all."""

TRANSFER_LORA_CNN = at_rate(TRANSFER_FULL_CNN, 2e-2, name="transfer_lora_cnn")
"""LoRA of a small CNN: of the fold lenet with lora4_conv had 90.4 % after 100 images and 96.8 % after all."""

TRANSFER_LORA_VIT = at_rate(TRANSFER_FULL_CNN, 1.5e-2, name="transfer_lora_vit")
"""LoRA of a small ViT: of the fold vit_micro with lora8_qv had 89 % after 100 images and 96 % after all."""

TRANSFER_HEAD_CNN = replace(at_rate(TRANSFER_FULL_CNN, 5e-2, name="transfer_head_cnn"), augmentation=(), epochs=20)
"""The head alone of a small CNN, on features of the images as they are; from 0.01 to 0.1 the rate hardly matters."""

TRANSFER_HEAD_VIT = replace(TRANSFER_HEAD_CNN, name="transfer_head_vit")
"""The head alone of a small ViT."""

USUAL = "ours; a usual rate for ImageNet weights"

TRANSFER_FULL_DEEP_CNN = replace(
    at_rate(TRANSFER_FULL_CNN, 1e-3, name="transfer_full_deep_cnn"), weights="hub", source=USUAL
)
TRANSFER_FULL_DEEP_VIT = replace(
    at_rate(TRANSFER_FULL_CNN, 1e-4, name="transfer_full_deep_vit"), weights="hub", source=USUAL
)
TRANSFER_LORA_DEEP_CNN = replace(
    at_rate(TRANSFER_FULL_CNN, 3e-3, name="transfer_lora_deep_cnn"), weights="hub", source=USUAL
)
TRANSFER_LORA_DEEP_VIT = replace(
    at_rate(TRANSFER_FULL_CNN, 1e-3, name="transfer_lora_deep_vit"), weights="hub", source=USUAL
)
TRANSFER_HEAD_DEEP_CNN = replace(
    at_rate(TRANSFER_HEAD_CNN, 1e-2, name="transfer_head_deep_cnn"), weights="hub", source=USUAL
)
TRANSFER_HEAD_DEEP_VIT = replace(TRANSFER_HEAD_DEEP_CNN, name="transfer_head_deep_vit")
