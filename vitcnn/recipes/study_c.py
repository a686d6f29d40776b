"""Study C: ViT-Tiny against ResNet-18, from scratch on CIFAR-10, 100 epochs each.

Source: the project notes "ViT vs ResNet - CIFAR-10 Comparison", on one T4. Its accuracies are of the best epoch, chosen
on the test part; its ResNet figures are "typical", not measured. Nothing here has been run on CIFAR-10 by us yet.
"""

from vitcnn.recipes.parts import AdamW, Crop, Flip, Mix, RandomErasing, Recipe, Sgd, TrivialAugment

SOURCE = "ViT vs ResNet - CIFAR-10 Comparison, project notes"

STUDY_C_VIT = Recipe(
    name="study_c_vit",
    epochs=100,
    batch=128,
    optimizer=AdamW(peak_learning_rate=1e-3, weight_decay=0.05),
    warmup_share=0.1,
    augmentation=(TrivialAugment(), RandomErasing(share=0.25), Mix()),
    source=f"{SOURCE}; weight decay, shares and strengths of erasing, MixUp and CutMix are ours, timm's defaults",
)
"""ViT-Tiny with patches of 4 px: 39,000 steps. Published: 86.99 %, 44 min on a T4.

The source names neither crop nor flip for the ViT: there is none.
"""

STUDY_C_CNN = Recipe(
    name="study_c_cnn",
    epochs=100,
    batch=128,
    optimizer=Sgd(peak_learning_rate=0.1, weight_decay=5e-4, momentum=0.9),
    warmup_share=0.0,
    augmentation=(Crop(padding_px=4), Flip()),
    source=f"{SOURCE}; peak rate, weight decay, Nesterov and the 4 px of the crop are ours, usual for CIFAR-10",
)
"""ResNet-18 with a 3x3 stem: 39,000 steps. Published as typical: 93.43 %, about 15 min on a T4."""
