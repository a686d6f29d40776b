"""Recipes for sequences of images. Placeholders: each stands for one that is yet to be chosen on training data."""

from dataclasses import replace

from vitcnn.recipes.parts import AdamW, Recipe

NOT_CHOSEN = "ours; a placeholder, not chosen on any data yet"

SEQUENCES_CNN = Recipe(
    name="sequences_cnn",
    epochs=20,
    batch=64,
    optimizer=AdamW(peak_learning_rate=1e-3, weight_decay=0.05),
    warmup_share=0.1,
    source=NOT_CHOSEN,
)
"""A small model on as many sequences as `digits` has images. No digit is mirrored: that would be another sign."""

SEQUENCES_VIT = replace(SEQUENCES_CNN, name="sequences_vit")
"""A small ViT on as many sequences as `digits` has images."""

SEQUENCES_DEEP_CNN = replace(SEQUENCES_CNN, name="sequences_deep_cnn")
"""Models of millions of parameters on as many sequences as `digits` has images."""

SEQUENCES_DEEP_VIT = replace(SEQUENCES_CNN, name="sequences_deep_vit")
"""ViTs of millions of parameters on as many sequences as `digits` has images."""

MANY_SEQUENCES_CNN = replace(SEQUENCES_CNN, name="many_sequences_cnn", epochs=10, batch=256)
"""A small model on tens of thousands of sequences, of `glyphs` and `mnist`."""

MANY_SEQUENCES_VIT = replace(MANY_SEQUENCES_CNN, name="many_sequences_vit")
"""A small ViT on tens of thousands of sequences."""

MANY_SEQUENCES_DEEP_CNN = replace(MANY_SEQUENCES_CNN, name="many_sequences_deep_cnn")
"""Models of millions of parameters on tens of thousands of sequences."""

MANY_SEQUENCES_DEEP_VIT = replace(MANY_SEQUENCES_CNN, name="many_sequences_deep_vit")
"""ViTs of millions of parameters on tens of thousands of sequences."""
