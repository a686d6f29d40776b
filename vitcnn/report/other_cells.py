"""Shows the cells that the table has no room for: other batches, precisions and modes, compiled beside eager."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vitcnn.quantity import counted
from vitcnn.record import Record
from vitcnn.report.columns import Column, shown_cell
from vitcnn.report.side_by_side import side_by_side
from vitcnn.spec import FAMILIES

MOST_CELLS = 40
"""Rows of the table; a whole preset has hundreds."""

ColumnsOf = Callable[[Sequence[Record]], list[Column]]
"""The columns of a question's records."""


@dataclass(frozen=True, kw_only=True)
class OtherCells:
    """The text of each of `rows` by the architecture, and what stands above and, if not empty, below them."""

    title: str
    rows: list[str]
    by_name: dict[str, dict[str, str]]
    below: str


def gathered(records: Sequence[Record], columns: Sequence[ColumnsOf]) -> OtherCells | None:
    """Return a row for each cell that could stand in a column of the table and does not; None without any.

    `columns` are those of each question. Only the metric of its first column is shown.
    """
    cells: dict[str, dict[str, str]] = {}
    titles = []
    for columns_of in columns:
        found = _others(records, columns_of(records), cells)
        titles += [found] if found else []
    if not cells:
        return None
    rows = list(cells)[:MOST_CELLS]
    named = sorted(records, key=lambda record: FAMILIES.index(record.family))
    names = dict.fromkeys(record.architecture for record in named if any(record.architecture in cells[r] for r in rows))
    more = len(cells) - len(rows)
    return OtherCells(
        title=f"Other cases. They are shown as in the table above: {'; '.join(titles)}.",
        rows=rows,
        by_name={name: {row: cells[row][name] for row in rows if name in cells[row]} for name in names},
        below=f"... and {counted(more, 'more row')}, in the JSON." if more else "",
    )


def other_cells(records: Sequence[Record], columns: Sequence[ColumnsOf], *, width: int) -> str:
    """Return them as tables no wider than `width`; nothing without any."""
    found = gathered(records, columns)
    if found is None:
        return ""
    table = side_by_side("cases", found.by_name, found.rows, width=width)
    return "\n".join([textwrap.fill(found.title, width), table, *([found.below] if found.below else [])])


def _others(records: Sequence[Record], columns: Sequence[Column], cells: dict[str, dict[str, str]]) -> str:
    """Add to `cells` the texts of the records that no column shows; return the title of the first column of these."""
    fitted = [column for column in columns if column.metric == columns[0].metric and any(map(column.fits, records))]
    shown = {shown_cell(column, records) for column in fitted}
    title = ""
    for column in fitted:
        for record in records:
            if column.fits(record) and record.cell not in shown:
                cells.setdefault(record.cell, {}).setdefault(record.architecture, column.text(record))
                title = title or " ".join(column.title.split())
    return title
