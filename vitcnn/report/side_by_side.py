"""Formats tables with a column for each architecture, as many side by side as fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tabulate import tabulate

ABSENT = "-"


def side_by_side(title: str, columns: Mapping[str, Mapping[str, str]], rows: Sequence[str], *, width: int) -> str:
    """Return `columns`, the text of each row by the column's name, as tables no wider than `width` or of one column.

    `title` stands above the names of the rows. A table leaves out the rows of which it would show nothing.
    """
    tables: list[str] = []
    names: list[str] = []
    for name in columns:
        if names and max(map(len, _table(title, columns, rows, [*names, name]).splitlines())) > width:
            tables.append(_table(title, columns, rows, names))
            names = []
        names.append(name)
    return "\n\n".join([*tables, _table(title, columns, rows, names)])


def _table(title: str, columns: Mapping[str, Mapping[str, str]], rows: Sequence[str], names: Sequence[str]) -> str:
    filled = [row for row in rows if any(row in columns[name] for name in names)]
    body = [[row, *(columns[name].get(row, ABSENT) for name in names)] for row in filled]
    align = ("left", *("right" for _ in names))
    return tabulate(body, headers=[title, *names], tablefmt="simple", colalign=align, disable_numparse=True)
