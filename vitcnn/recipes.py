"""Training recipes as data: one constant each; variants by `dataclasses.replace`."""

import sys
from functools import cache

from vitcnn import catalogue
from vitcnn.errors import UnknownName
from vitcnn.spec import Affine, Recipe

DIGITS_CNN = Recipe(
    name="digits_cnn",
    epochs=30,
    batch=64,
    peak_learning_rate=4e-3,
    warmup_share=0.2,
    weight_decay=0.01,
    betas=(0.9, 0.99),
    label_smoothing=0.0,
    augmentation=Affine(degrees=10, translate_px=2, scale=0.1, shear_degrees=5),
    source="ours",
)

DIGITS_VIT = Recipe(
    name="digits_vit",
    epochs=30,
    batch=64,
    peak_learning_rate=2e-3,
    warmup_share=0.2,
    weight_decay=0.05,
    betas=(0.9, 0.99),
    label_smoothing=0.0,
    augmentation=Affine(degrees=10, translate_px=2, scale=0.1, shear_degrees=5),
    source="ours",
)


@cache
def recipes() -> dict[str, Recipe]:
    """Return the catalogue by name."""
    return catalogue.entries(sys.modules[__name__], Recipe)


def recipe(name: str) -> Recipe:
    """Return the catalogue's entry `name`; UnknownName offers the nearest."""
    if name not in recipes():
        raise UnknownName(field="recipe", value=name, known=recipes())
    return recipes()[name]
