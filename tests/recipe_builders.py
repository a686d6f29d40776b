"""A recipe with every augmentation, for what must hold of each of them."""

from vitcnn.recipes.parts import (
    AdamW,
    Affine,
    AlternatingFlip,
    Crop,
    Flip,
    Jitter,
    Mix,
    RandomErasing,
    Recipe,
    TrivialAugment,
)

EVERYTHING = Recipe(
    name="everything",
    epochs=2,
    batch=8,
    optimizer=AdamW(peak_learning_rate=1e-3, weight_decay=0.05),
    warmup_share=0.1,
    label_smoothing=0.1,
    augmentation=(
        Crop(padding_px=2),
        Crop(padding_px=4, fill="reflect"),
        Flip(),
        AlternatingFlip(),
        Jitter(brightness=0.2, contrast=0.2),
        TrivialAugment(),
        Affine(degrees=10, translate_px=2, scale=0.1, shear_degrees=5),
        RandomErasing(share=0.5),
        Mix(),
    ),
    source="here",
)
