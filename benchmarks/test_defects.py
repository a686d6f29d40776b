"""What does a model, trained on 500 or 5,000 tiles, find on whole frames with planted defects, at which overlap?

Those on `defects` are small enough for a CPU: frames of 1280x720 in tiles of 64 px. Those on `defects512` are for a
GPU: frames of 3840x2160 in tiles of 512 px; making their tiles takes minutes, once, and 4.7 GB.
"""

from dataclasses import replace

from vitcnn import DefectsCase

SMALL = {
    "lenet": "photos_cnn",
    "vit_micro": "photos_vit",
    "speedrun_cnn": "photos_speedrun_cnn",
    "speedrun_vit": "photos_speedrun_vit",
}
"""A CNN and a ViT that train in seconds, then a CNN and a hybrid of over a million parameters, and how they train."""

LARGE = {"resnet18": "photos_deep_cnn", "vit_tiny": "photos_deep_vit", "coatnet_0": "photos_deep_vit"}

ON_CPU = tuple(
    DefectsCase(architecture=name, task="defects", recipe=recipe, num_train=num_train, preset="standard")
    for num_train in (500, 5_000)
    for name, recipe in SMALL.items()
)
ON_GPU = tuple(
    DefectsCase(
        architecture=name, task="defects512", recipe=recipe, num_train=num_train, precision="bf16", preset="full"
    )
    for num_train in (500, 5_000)
    for name, recipe in LARGE.items()
)
MORE_OVERLAPS = tuple(
    replace(case, overlap=overlap, preset="full") for case in (*ON_CPU, *ON_GPU) for overlap in (0.0, 0.25)
)
CASES = (*ON_CPU, *ON_GPU, *MORE_OVERLAPS)


def test_defects(case, measure):
    measure(case)
