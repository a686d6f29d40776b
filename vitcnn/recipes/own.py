"""A user's own recipe, `--recipe FILE.py:NAME`, and variants of any: `digits_cnn,epochs=3,batch=64`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from vitcnn.errors import UnknownName, UserError
from vitcnn.recipes.parts import OF_FILE, Recipe, at_rate
from vitcnn.references import load_reference

GROUP = "vitcnn.recipes"
"""The entry points by which packages offer recipes."""

CHANGES: dict[str, Callable[[str], Any]] = {
    "epochs": int,
    "batch": int,
    "peak_learning_rate": float,
    "warmup_share": float,
    "label_smoothing": float,
    "decay": str,
    "test_time": str,
    "weights": str,
    "model_px": int,
}
"""What a variant may change, and how its text is read."""


def own_recipe(text: str, name: str = "") -> Recipe:
    """Return the recipe of `FILE.py:NAME`, by the name that ids show, or by `name`; UserError as `load_reference`."""
    found = load_reference("--recipe", text, is_fit=lambda value: isinstance(value, Recipe), allowed="a Recipe")
    return replace(found.value, name=name or str(found))


def canonical(changes: str) -> str:
    """Return the text of what is changed in the one form that ids show; UserError where it cannot be read.

    Of a file of weights that is its name, and not where it lies.
    """
    return ",".join(f"{name}={shown(value)}" for name, value in sorted(_read(changes).items()))


def variant(base: Recipe, changes: str) -> Recipe:
    """Return `base` with what is changed, named after it; UserError where a value is not allowed."""
    settings = _read(changes)
    rate = settings.pop("peak_learning_rate", base.peak_learning_rate)
    return at_rate(replace(base, **settings), rate, name=f"{base.name},{canonical(changes)}")


def shown(value: object) -> object:
    """Return a setting as ids and records show it: of `file:PATH` the name of the file alone."""
    is_file = isinstance(value, str) and value.startswith(OF_FILE)
    return f"{OF_FILE}{PurePath(str(value).removeprefix(OF_FILE)).name}" if is_file else value


def _read(changes: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in _parts(changes):
        name, _, text = (piece.strip() for piece in part.partition("="))
        if name not in CHANGES:
            raise UnknownName(field="--recipe", value=name, known=CHANGES)
        try:
            found[name] = CHANGES[name](text)
        except ValueError:
            kind = "a whole number" if CHANGES[name] is int else "a number"
            do = "Write for example digits_cnn,epochs=3."
            raise UserError(field=f"--recipe: {name}", value=text, allowed=kind, do=do) from None
    return found


def _parts(changes: str) -> list[str]:
    """Split at commas, but for those in the path of a file of weights."""
    parts: list[str] = []
    for part in changes.split(","):
        if "=" not in part and parts and parts[-1].lstrip().startswith(f"weights={OF_FILE}"):
            parts[-1] += f",{part}"
        else:
            parts.append(part)
    return parts
