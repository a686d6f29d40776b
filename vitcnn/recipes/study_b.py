"""Study B: a ViT with LoRA against CNNs of which the head alone trains, on MNIST, Fashion-MNIST and CIFAR-10 at 224 px.

Source: "An Empirical Investigation into Fine-Tuning Methodologies", Preprints.org 183029, 2025-11-03. It states 5
epochs, AdamW, cross-entropy, batches of 64, and random horizontal flips, affine changes, brightness and contrast.
Rates, decay and the strengths of the augmentations are ours. Nothing here has been run on its data by us yet.
"""

from dataclasses import replace

from vitcnn.recipes.parts import AdamW, Affine, Flip, Jitter, Recipe

SOURCE = "Preprints.org 183029, 2025-11-03"

STUDY_B = Recipe(
    name="study_b",
    epochs=5,
    batch=64,
    optimizer=AdamW(peak_learning_rate=1e-3, weight_decay=0.01),
    warmup_share=0.1,
    augmentation=(
        Flip(),
        Jitter(brightness=0.2, contrast=0.2),
        Affine(degrees=10, translate_px=2, scale=0.1, shear_degrees=0),
    ),
    weights="hub",
    source=f"{SOURCE}; rate, decay, warm-up and the strengths of the augmentations are ours",
)
"""Both methods of the study: LoRA, and the head alone on five augmented views of each image."""

STUDY_C_FINETUNE = replace(
    STUDY_B,
    name="study_c_finetune",
    epochs=10,
    optimizer=AdamW(peak_learning_rate=5e-5, weight_decay=0.01),
    augmentation=(Flip(),),
    source="ViT vs ResNet - CIFAR-10 Comparison, project notes: a ViT of ImageNet-21k passes 98 % after 10 epochs; "
    "batch, rate, decay, warm-up and augmentation are ours",
)
"""Study C's claim about a pretrained ViT, all of which trains."""
