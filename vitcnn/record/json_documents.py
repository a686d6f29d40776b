"""JSON, read strictly: what Python's own reader lets pass and nothing here can reckon with or show is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vitcnn.errors import RecordError

MAX_DEPTH = 50
"""No record is nested so deeply; Python's own functions end in an error of theirs at some hundreds."""


def read_json(path: Path | str) -> Any:
    """Return the document in a file; RecordError names the file and what is wrong."""
    try:
        return json.loads(Path(path).read_bytes().decode("utf-8"), object_pairs_hook=_without_twins)
    except RecursionError:
        reason = "it is nested too deeply"
    except FileNotFoundError:
        raise RecordError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        reason = str(error)
    raise RecordError(f"{path}: cannot be read as JSON ({reason})")


def require_sound(document: object) -> None:
    """Raise RecordError where a document holds what no JSON of ours does.

    That is a number that is not finite or that no float can hold, text that is no Unicode, or nesting deeper than
    `MAX_DEPTH`.
    """
    waiting: list[tuple[str, int, object]] = [("", 0, document)]
    while waiting:
        where, depth, value = waiting.pop()
        if depth > MAX_DEPTH:
            raise RecordError(f"{where.removeprefix('.')}: nested deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            waiting += ((where, depth, key) for key in value)
            waiting += ((f"{where}.{key}", depth + 1, inner) for key, inner in value.items())
        elif isinstance(value, (list, tuple)):
            waiting += ((where, depth + 1, inner) for inner in value)
        elif fault := _fault(value):
            raise RecordError(f"{where.removeprefix('.')}: {fault}".removeprefix(": "))


def _fault(value: object) -> str:
    if isinstance(value, str):
        return "" if _is_unicode(value) else f"{value!r} is no Unicode text"
    if isinstance(value, (int, float)):
        return "" if is_finite(value) else "a number that is not finite, or too large"
    return ""


def as_json(value: object) -> Any:
    """Return what a user left for a file as JSON values: text in the place of what JSON cannot hold, NaN too."""
    if isinstance(value, dict):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(inner) for inner in value]
    held = value is None or isinstance(value, (str, int)) or (isinstance(value, float) and is_finite(value))
    return value if held else str(value)


def is_finite(number: float) -> bool:
    """Whether a number, a whole one of any size too, is finite as a float."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _without_twins(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the name {name!r} stands twice in one object")
        found[name] = value
    return found
