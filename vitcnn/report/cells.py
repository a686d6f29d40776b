"""A cell is a case without its architecture: records of one cell can be compared."""

from __future__ import annotations

from vitcnn.record import Record


def cell(record: Record) -> str:
    """Return the record's case with `*` for its architecture and for its recipe, in which families differ."""
    without = record.case.replace(f"/{record.architecture}/", "/*/", 1)
    recipe = record.settings.get("recipe")
    name = recipe["name"] if isinstance(recipe, dict) else recipe  # a case that failed knows the name alone
    return without.replace(f"/{name}/", "/*/", 1) if name else without
