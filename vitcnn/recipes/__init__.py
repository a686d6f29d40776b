"""The catalogue of training recipes, as data: one constant each, found by walking this package."""

from __future__ import annotations

import sys
from functools import cache

from vitcnn import catalogue
from vitcnn.errors import UnknownName
from vitcnn.recipes.parts import Recipe as Recipe
from vitcnn.spec import Architecture, Task


@cache
def recipes() -> dict[str, Recipe]:
    """Return the catalogue by name."""
    return catalogue.entries(sys.modules[__name__], Recipe)


LARGEST_SMALL_MODEL = 1_000_000
"""Parameters up to which a model trains by the recipes for small ones."""


def recipe_for(task: Task, entry: Architecture) -> Recipe:
    """Return the recipe of the task's set that suits an architecture: `_cnn`, `_vit`, `_deep_cnn` or `_deep_vit`."""
    is_small = entry.num_parameters is not None and entry.num_parameters <= LARGEST_SMALL_MODEL
    size, kind = "" if is_small else "deep_", "cnn" if entry.family == "cnn" else "vit"
    return recipe(f"{task.recipes}_{size}{kind}")


def recipe(name: str) -> Recipe:
    """Return the catalogue's entry `name`; UnknownName offers the nearest."""
    if name not in recipes():
        raise UnknownName(field="recipe", value=name, known=recipes())
    return recipes()[name]
