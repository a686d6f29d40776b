"""The catalogue of training recipes: each recipe is a constant, which is found automatically.

Beside it a user's own is named by `FILE.py:NAME`, a package's by its entry point, and a variant of any by what is
changed: `digits_cnn,epochs=3,batch=64`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache

from vitcnn import catalogue
from vitcnn.errors import UnknownName, UserError, asked_as
from vitcnn.recipes.own import GROUP, canonical, own_recipe, variant
from vitcnn.recipes.parts import OF_FILE
from vitcnn.recipes.parts import Recipe as Recipe
from vitcnn.references import USAGE, is_reference, offered, require_one_meaning
from vitcnn.spec import Architecture, Task

_OWN: dict[str, Recipe] = {}
"""The user's own of this process's command line, by the names that ids show."""


@cache
def recipes() -> dict[str, Recipe]:
    """Return the catalogue by name."""
    return catalogue.entries(sys.modules[__name__], Recipe)


LARGEST_SMALL_MODEL = 1_000_000
"""Parameters up to which a model trains by the recipes for small ones."""


def recipe_for(task: Task, entry: Architecture) -> Recipe:
    """Return the recipe of the task's set that suits an architecture: `_cnn`, `_vit`, `_deep_cnn` or `_deep_vit`."""
    return recipe_of_set(task.recipes, entry)


def recipe_of_set(name: str, entry: Architecture) -> Recipe:
    """Return the recipe of a set, `digits` or `transfer_lora`, that suits an architecture."""
    is_small = entry.num_parameters is not None and entry.num_parameters <= LARGEST_SMALL_MODEL
    size, kind = "" if is_small else "deep_", "cnn" if entry.family == "cnn" else "vit"
    return recipe(f"{name}_{size}{kind}")


def recipe(name: str) -> Recipe:
    """Return the recipe of `name`: the catalogue's, a package's, one of `ask_for`, or a variant of these.

    UnknownName offers the nearest of the catalogue.
    """
    if name in _OWN:
        return _OWN[name]
    base, comma, changes = name.partition(",")
    found = _OWN.get(base) or recipes().get(base) or _offered(base)
    if found is None:
        also = ("NAME,epochs=3 for a variant", f"{USAGE} for your own")
        raise UnknownName(field="recipe", value=base, known=(*recipes(), *offered(GROUP)), also=also)
    changed = variant(found, changes) if comma else found
    if changed.weights.startswith(OF_FILE) and comma and changed.name != name:
        do = "The name of a recipe contains no path: name the file on the command line, with --weights or --recipe."
        raise UserError(field="recipe", value=name, allowed="file:NAME, without a folder", do=do)
    return changed


def ask_for(asked: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the recipes that a command line asks for, `FILE.py:NAME` and variants among them.

    Changes alone, `model_px=112`, are of each case's own recipe: they are returned behind a comma, and `changed` makes
    them. From now on `recipe` knows these, and no longer those that were asked for before. UserError where two have one
    name.
    """
    _OWN.clear()
    names = []
    for text in asked:
        base, comma, changes = text.partition(",")
        if "=" in base:
            names.append(f",{_changes_alone(text)}")
            continue
        require_one_meaning("--recipe", base, GROUP, recipes())
        if is_reference(base):
            found = own_recipe(base)
            _know("--recipe", found)
            base = found.name
        with asked_as("--recipe", "recipe"):
            names.append(_variant(base, changes) if comma else recipe(base).name)
    return tuple(dict.fromkeys(names))


def _changes_alone(text: str) -> str:
    """Return changes to whatever recipe in the one form that ids show; UserError where they cannot be made."""
    if OF_FILE in text:
        do = "Name the file with --weights."
        raise UserError(field="--recipe", value=text, allowed="changes without a file of weights", do=do)
    variant(next(iter(recipes().values())), text)
    return canonical(text)


def starting_from(name: str, weights: str) -> str:
    """Return the name of the recipe `name` as it starts from `weights`; from now on `recipe` knows it.

    UserError as `ask_for`.
    """
    return changed(name, f"weights={weights}")


def changed(name: str, changes: str) -> str:
    """Return the name of the recipe `name` with `changes` to what it already changes; UserError as `ask_for`."""
    base, _, before = name.partition(",")
    return _variant(base, ",".join(filter(None, (before, changes))))


def instead_of(own: str, asked: str) -> str:
    """Return the name of the recipe that stands for `own` where a command line asks for `asked`, one of `ask_for`."""
    return changed(own, asked[1:]) if asked.startswith(",") else asked


def _variant(base: str, changes: str) -> str:
    """Return the name of a variant; one whose weights are a file is known by the file's name, without its folder."""
    found = variant(recipe(base), changes)
    if found.weights.startswith(OF_FILE):
        _know("file of weights", found)
    return found.name


def _know(field: str, found: Recipe) -> None:
    """Let `recipe` know a user's own; UserError where another has its name."""
    if _OWN.setdefault(found.name, found) != found:
        do = "Two files have the same name: rename one, or measure one after the other."
        raise UserError(field=field, value=found.name, allowed="own recipes of different names", do=do)


@cache
def _offered(name: str) -> Recipe | None:
    return own_recipe(offered(GROUP)[name], name) if name in offered(GROUP) else None
