"""Training recipes as data: one constant each; variants by `dataclasses.replace`."""

import sys
from dataclasses import replace
from functools import cache

from vitcnn import catalogue
from vitcnn.errors import UnknownName
from vitcnn.spec import Affine, Architecture, Recipe, Task

DIGITS_CNN = Recipe(
    name="digits_cnn",
    epochs=12,
    batch=64,
    peak_learning_rate=8e-3,
    warmup_share=0.2,
    weight_decay=0.05,
    betas=(0.9, 0.99),
    label_smoothing=0.0,
    augmentation=Affine(degrees=10, translate_px=2, scale=0.1, shear_degrees=5),
    flip_share=0.0,
    source="ours; chosen on every fifth training image, never on the test part",
)
"""A small CNN on `digits`: lenet reaches 99 % in 1 to 4 s a seed on two CPU cores."""

DIGITS_VIT = replace(DIGITS_CNN, name="digits_vit", peak_learning_rate=4e-3)
"""A small ViT on `digits`: vit_micro reaches 98.8 % in 6 to 9 s a seed on two CPU cores."""

DIGITS_DEEP_CNN = replace(DIGITS_CNN, name="digits_deep_cnn", peak_learning_rate=1e-3)
"""CNNs of millions of parameters on `digits`: on two CPU cores an epoch takes minutes.

Of this rate it is known that resnet18 had 99.3 % after 6 epochs of 60 (one seed, on every fifth training image).
"""

DIGITS_DEEP_VIT = replace(DIGITS_DEEP_CNN, name="digits_deep_vit", epochs=60)
"""ViTs and hybrids of millions of parameters on `digits`: for a GPU.

Of this rate it is known that vit_tiny had 57 % after 12 epochs; the whole recipe has not been run yet.
"""

ON_A_FOLD = "ours; chosen on every fifth of 15,000 training images, never on the test part"
NOT_RUN = "ours; the rate of digits_deep_cnn, not run whole yet"

GLYPHS_CNN = replace(DIGITS_CNN, name="glyphs_cnn", epochs=3, source=ON_A_FOLD)
"""A small CNN on tens of thousands of characters, `glyphs`, `mnist`: of the fold lenet had 99.2 %."""

GLYPHS_VIT = replace(DIGITS_VIT, name="glyphs_vit", epochs=3, peak_learning_rate=2e-3, source=ON_A_FOLD)
"""A small ViT on tens of thousands of characters: of the fold vit_micro had 93.7 %."""

GLYPHS_DEEP_CNN = replace(DIGITS_DEEP_CNN, name="glyphs_deep_cnn", epochs=3, source=NOT_RUN)
"""CNNs of millions of parameters on tens of thousands of characters: for a GPU."""

GLYPHS_DEEP_VIT = replace(GLYPHS_DEEP_CNN, name="glyphs_deep_vit")
"""ViTs and hybrids of millions of parameters on tens of thousands of characters: for a GPU."""

PHOTOS_CNN = replace(DIGITS_CNN, name="photos_cnn", flip_share=0.5, source=ON_A_FOLD)
"""A small CNN on colour images that mean the same when mirrored, `shapes`, `cifar10`, a folder of photographs.

Of the fold of `shapes` lenet had 95.8 % after half the epochs.
"""

PHOTOS_VIT = replace(PHOTOS_CNN, name="photos_vit", peak_learning_rate=2e-3)
"""A small ViT on colour images: of the fold of `shapes` vit_micro had 53 % after half the epochs."""

PHOTOS_DEEP_CNN = replace(PHOTOS_CNN, name="photos_deep_cnn", peak_learning_rate=1e-3, source=NOT_RUN)
"""CNNs of millions of parameters on colour images: for a GPU."""

PHOTOS_DEEP_VIT = replace(PHOTOS_DEEP_CNN, name="photos_deep_vit")
"""ViTs and hybrids of millions of parameters on colour images: for a GPU."""


@cache
def recipes() -> dict[str, Recipe]:
    """Return the catalogue by name."""
    return catalogue.entries(sys.modules[__name__], Recipe)


LARGEST_SMALL_MODEL = 1_000_000
"""Parameters up to which a model trains by the recipes for small ones."""


def recipe_for(task: Task, entry: Architecture) -> Recipe:
    """Return the recipe of the task's set that suits an architecture: `_cnn`, `_vit`, `_deep_cnn` or `_deep_vit`."""
    is_small = entry.published is not None and entry.published.parameters <= LARGEST_SMALL_MODEL
    size, kind = "" if is_small else "deep_", "cnn" if entry.family == "cnn" else "vit"
    return recipe(f"{task.recipes}_{size}{kind}")


def recipe(name: str) -> Recipe:
    """Return the catalogue's entry `name`; UnknownName offers the nearest."""
    if name not in recipes():
        raise UnknownName(field="recipe", value=name, known=recipes())
    return recipes()[name]
