"""What classes are called: by a file of the user's, by the weights, or by their numbers alone."""

from __future__ import annotations

from pathlib import Path

from vitcnn.errors import UnknownName, UserError
from vitcnn.folders import short
from vitcnn.spec import Architecture


def read_names(path: Path) -> tuple[str, ...]:
    """Return the names in a text file, one a line; UserError where it cannot be read or names none."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        do = f"{getattr(error, 'strerror', None) or error}."
        raise UserError(field="--classes", value=short(path), allowed="a text file in UTF-8", do=do) from error
    names = tuple(line.strip() for line in lines)
    while names and not names[-1]:
        names = names[:-1]
    if not names or "" in names:
        do = "It holds no name." if not names else f"Line {names.index('') + 1} is empty."
        raise UserError(field="--classes", value=short(path), allowed="the name of one class a line", do=do)
    return names


def names_for(path: Path | None, num_classes: int) -> tuple[str, ...]:
    """Return the names in a file, if one is given; UserError where they are more or fewer than the classes."""
    names = () if path is None else read_names(path)
    if names and len(names) != num_classes:
        allowed = f"a file with a name on each line for the {num_classes:,} classes of the weights"
        do = f"This file has {len(names):,} names."
        raise UserError(field="--classes", value=short(path or ""), allowed=allowed, do=do)
    return names


def numbered(num_classes: int) -> tuple[str, ...]:
    """Return names for classes of which only the number is known."""
    return tuple(f"class {number}" for number in range(num_classes))


def names_of_weights(entry: Architecture, num_classes: int) -> tuple[str, ...]:
    """Return what timm calls the classes of its own weights, the first of several names; else numbers."""
    from timm.data.imagenet_info import ImageNetInfo, infer_imagenet_subset

    subset = infer_imagenet_subset({"num_classes": num_classes}) if entry.hub else None
    if subset is None:
        return numbered(num_classes)
    info = ImageNetInfo(subset)
    return tuple(info.index_to_description(number).partition(",")[0] for number in range(num_classes))


def number_of(text: str, names: tuple[str, ...]) -> int:
    """Return the number of the class that a user names, by its name or number; UnknownName offers the nearest."""
    if text in names and names.count(text) == 1:
        return names.index(text)
    if text.isdecimal() and int(text) < len(names):
        return int(text)
    alike = [number for number, name in enumerate(names) if name.lower() == text.lower()]
    if len(alike) == 1:
        return alike[0]
    if alike:
        do = "Give its number."
        allowed = f"one class, and {len(alike)} have this name: {', '.join(map(str, alike))}"
        raise UserError(field="--class", value=text, allowed=allowed, do=do)
    raise UnknownName(field="--class", value=text, known=names, also=(f"numbers from 0 to {len(names) - 1}",))
