"""Study A: 4,000 MNIST images, a ViT of which every weight is fine-tuned against a light CNN from scratch.

Source: the project page "MNIST ViT vs CNN Comparison", 2025-12-08. It states neither hardware nor optimisers, epochs of
the CNN, batches, rates: those are ours. Nothing here has been run on MNIST by us yet.
"""

from vitcnn.recipes.parts import AdamW, Recipe

SOURCE = "MNIST ViT vs CNN Comparison, project page, 2025-12-08"

STUDY_A_CNN = Recipe(
    name="study_a_cnn",
    epochs=10,
    batch=100,
    optimizer=AdamW(peak_learning_rate=8e-3, weight_decay=0.05, betas=(0.9, 0.99)),
    warmup_share=0.2,
    source=f"{SOURCE}; optimiser, epochs, batch and rate are ours",
)
"""A small CNN on greyscale images of 28 px, as they are: 400 steps. Published: 91.50 % of 1,000 test images, 3.76 s.

On 4,000 training images of `glyphs` lenet had 98.6 % of 5,000 others (two seeds), for 4.5 s of one core a seed.
"""

STUDY_A_VIT = Recipe(
    name="study_a_vit",
    epochs=3,
    batch=32,
    optimizer=AdamW(peak_learning_rate=5e-5, weight_decay=0.01),
    warmup_share=0.1,
    weights="hub",
    source=f"{SOURCE}; epochs, optimiser, batch and rate are ours, usual for fine-tuning a ViT",
)
"""A ViT pretrained on ImageNet, every weight fine-tuned at 224 px: 375 steps. Published: 98.10 %, 441.03 s."""
