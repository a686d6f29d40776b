"""Recipes of ours for adapting pretrained weights: one for each kind of adaptation, since each wants its own rate.

They start from weights that are trained here on rendered characters, `glyphs62`, so that transfer runs offline; a
variant starts elsewhere, `transfer_lora,weights=hub`.
"""

from dataclasses import replace

from vitcnn.recipes.parts import AdamW, Recipe, at_rate
from vitcnn.recipes.small import WRITTEN

TRANSFER_FULL = Recipe(
    name="transfer_full",
    epochs=6,
    batch=64,
    optimizer=AdamW(peak_learning_rate=1e-3, weight_decay=0.05, betas=(0.9, 0.99)),
    warmup_share=0.2,
    augmentation=(WRITTEN,),
    weights="glyphs62",
    source="ours",
)

TRANSFER_LORA = at_rate(TRANSFER_FULL, 1e-2, name="transfer_lora")

TRANSFER_HEAD = replace(at_rate(TRANSFER_FULL, 3e-2, name="transfer_head"), augmentation=(), epochs=20)
