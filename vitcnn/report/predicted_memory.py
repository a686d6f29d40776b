"""Shows where the memory of a run goes: the predicted peak by its parts, and on CUDA the measured one beside it."""

from __future__ import annotations

import textwrap
from statistics import median

from tabulate import tabulate

from vitcnn.quantity import significant
from vitcnn.record import Record, Run

QUESTION = "memory"
PEAK, MEASURED = "predicted_peak_bytes", "peak_allocated_bytes"
PARTS = ("weights", "gradient", "optimizer", "activation", "input", "temporary")
HEADERS = (
    "architecture",
    "peak",
    "weights",
    "gradi-\nents",
    "optimi-\nser",
    "activa-\ntions",
    "inputs",
    "tempo-\nrary",
    "mea-\nsured",
    "more\n%",
)
TITLE = (
    "Where the memory goes, in MB: the peak of a run on CUDA as it is predicted, without workspaces of libraries, and "
    "what it consists of at that moment."
)
BESIDE = "Beside it the measured peak, and how much more that is: what libraries and operators take for themselves."
ABSENT, NONE, MEGA = "-", "0", 1e6


def predicted_memory(run: Run, *, width: int) -> str:
    """Return a table for each cell of memory that was predicted, a row for each architecture; nothing without any."""
    shown = [record for record in run.records if record.holds(PEAK, question=QUESTION)]
    if not shown:
        return ""
    title = f"{TITLE} {BESIDE}" if any(record.samples(MEASURED) for record in shown) else TITLE
    cells = dict.fromkeys(record.cell for record in shown)
    tables = [_table(cell, [record for record in shown if record.cell == cell]) for cell in cells]
    return "\n\n".join([textwrap.fill(title, width), *tables])


def _table(cell: str, records: list[Record]) -> str:
    """Return the cell and its table, without the columns that would be empty."""
    columns = zip(HEADERS, *map(_row, records), strict=True)
    filled = [column for column in columns if not set(column[1:]) <= {ABSENT, NONE}]
    lines = tabulate(zip(*filled, strict=True), tablefmt="plain", stralign="right", disable_numparse=True)
    return f"{cell}\n{lines}"


def _row(record: Record) -> tuple[str, ...]:
    predicted, measured = median(record.samples(PEAK)), record.samples(MEASURED)
    parts = [median(record.samples(f"predicted_{part}_bytes")) for part in PARTS]
    return (
        record.architecture,
        *(significant(value / MEGA) for value in (predicted, *parts)),
        significant(median(measured) / MEGA) if measured else ABSENT,
        f"{100 * (median(measured) / predicted - 1):+.1f}" if measured else ABSENT,
    )
