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
    "memory of",
    "predicted\npeak",
    "weights",
    "gradi-\nents",
    "optimi-\nser",
    "activa-\ntions",
    "inputs",
    "tempo-\nrary",
    "measured\npeak",
    "more, %",
)
TITLE = (
    "Where the memory goes, in MB: the peak of a run on CUDA as it is predicted, without workspaces of libraries, and "
    "what it consists of at that moment:"
)
ABSENT, NONE, MEGA = "-", "0", 1e6


def predicted_memory(run: Run, *, width: int) -> str:
    """Return a row for each case of memory whose peak was predicted; nothing where there is none."""
    shown = [record for record in run.records if record.holds(PEAK, question=QUESTION)]
    if not shown:
        return ""
    rows = [_row(record) for record in shown]
    columns = [column for column in zip(HEADERS, *rows, strict=True) if not set(column[1:]) <= {ABSENT, NONE}]
    headers, *lines = zip(*columns, strict=True)
    table = tabulate(lines, headers=headers, tablefmt="simple", stralign="right", disable_numparse=True)
    return "\n".join([textwrap.fill(TITLE, width), table])


def _row(record: Record) -> tuple[str, ...]:
    predicted, measured = median(record.samples(PEAK)), record.samples(MEASURED)
    parts = [median(record.samples(f"predicted_{part}_bytes")) for part in PARTS]
    more = 100 * (median(measured) / predicted - 1) if measured else 0.0
    return (
        record.case.removeprefix(f"{QUESTION}/").removesuffix("/eager"),
        *(significant(value / MEGA) for value in (predicted, *parts)),
        significant(median(measured) / MEGA) if measured else ABSENT,
        f"{more:+.1f}" if measured else ABSENT,
    )
