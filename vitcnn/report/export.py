"""Exports the figures of records: the terminal's table as Markdown, and every metric as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from io import StringIO
from statistics import fmean
from typing import Any

import numpy as np
from tabulate import tabulate

from vitcnn.intervals import accuracy_interval
from vitcnn.metrics import is_time
from vitcnn.record import Measurement, Record
from vitcnn.record.answers import scores
from vitcnn.report.columns import ABSENT
from vitcnn.report.noisy_times import is_noisy
from vitcnn.report.other_cells import gathered
from vitcnn.report.terminal import Grid, Shown, grid, of_the_suite
from vitcnn.spec import Case

NOT_AXES = frozenset({"architecture", "preset", "time_tolerance"})
"""Fields of cases that have a column of their own, or say nothing of what was measured."""

OF_OWN_BENCHMARKS = "images"
"""The one setting of a user's own benchmark."""

WITH_INTERVAL = "test_accuracy"
FIGURES = ("metric", "unit", "better", "median", "p5", "p95", "mean", "n", "low_95", "high_95", "noisy")


def markdown(records: Sequence[Record], questions: Sequence[Shown]) -> str:
    """Return the terminal's tables in GitHub's Markdown, one for each question; empty where they show nothing."""
    found = grid(records, questions)
    if found is None:
        return ""
    tables = [_table(found, titles) for titles in found.titles]
    shown = ", ".join(f"`{case}`" for case in found.cases)
    others = _others(of_the_suite(records), questions)
    return "\n\n".join([*tables, f"Shown: {shown}", *map(escaped, found.notes), *others]) + "\n"


def _others(records: Sequence[Record], questions: Sequence[Shown]) -> list[str]:
    """Return the cases that have no column."""
    found = gathered(records, [question.columns for question in questions])
    if found is None:
        return []
    rows = [[f"`{row}`", *(escaped(cells.get(row, ABSENT)) for cells in found.by_name.values())] for row in found.rows]
    align = ("left", *("right" for _ in found.by_name))
    table = tabulate(
        rows, headers=["cases", *map(escaped, found.by_name)], tablefmt="github", colalign=align, disable_numparse=True
    )
    return [escaped(found.title), table, *([found.below] if found.below else [])]


def _table(found: Grid, titles: Sequence[str]) -> str:
    """Return some of the columns, with the architectures of which they show something."""
    rows = [[*name, *(found.values[title][row] for title in titles)] for row, name in enumerate(found.names)]
    filled = [[escaped(text) for text in row] for row in rows if set(row[2:]) != {ABSENT}]
    headers = ["family", "architecture", *(escaped(one_line(title)) for title in titles)]
    align = ("left", "left", *("right" for _ in titles))
    return tabulate(filled, headers=headers, tablefmt="github", colalign=align, disable_numparse=True)


def csv_table(records: Sequence[Record], *, constant: Mapping[str, str] | None = None) -> str:
    """Return a row for each case and metric as CSV: what was measured and how, and median, percentiles and mean.

    Values are in the metric's own unit. `constant` are columns that hold the same in each row, such as the device.
    """
    everywhere = dict(constant or {})
    columns = ["case", "question", "architecture", "family", *axes(), OF_OWN_BENCHMARKS, *FIGURES, *everywhere]
    text = StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, **everywhere} for record in records for row in rows_of(record))
    return text.getvalue()


def axes() -> list[str]:
    """Return the settings that tell the cases of all questions apart; those that every question has come last."""
    common = [field.name for field in fields(Case)]
    others = (field.name for kind in kinds(Case) for field in fields(kind) if field.name not in common)
    return [name for name in dict.fromkeys([*others, *common]) if name not in NOT_AXES]


def kinds(base: type[Case]) -> Iterator[type[Case]]:
    """Return all kinds of cases."""
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


def rows_of(record: Record) -> Iterator[dict[str, Any]]:
    """Return the rows of one case, one for each metric."""
    settings = {name: record.settings.get(name, "") for name in ("question", *axes(), OF_OWN_BENCHMARKS)}
    case = {"case": record.case, "architecture": record.architecture, "family": record.family}
    for measurement in record.measurements:
        yield {**case, **settings, "recipe": record.recipe, **figures(measurement, record)}


def figures(measurement: Measurement, record: Record) -> dict[str, Any]:
    """Return what the samples of one metric come to; of an accuracy, its 95 % interval over seeds and images too."""
    low, middle, high = np.percentile(measurement.samples, [5, 50, 95]).tolist()
    interval = accuracy_interval(scores(record)) if measurement.metric == WITH_INTERVAL else None
    noisy = "yes" if is_noisy(record) else "no"
    return {
        "metric": measurement.metric,
        "unit": measurement.unit,
        "better": measurement.better,
        "median": middle,
        "p5": low,
        "p95": high,
        "mean": fmean(measurement.samples),
        "n": len(measurement.samples),
        **({"low_95": interval.low, "high_95": interval.high} if interval else {}),
        **({"noisy": noisy} if is_time(measurement.metric) else {}),
    }


def one_line(title: str) -> str:
    """Return the title of a column in one line, words that it breaks put together."""
    return title.replace("-\n", "").replace("\n", " ")


def escaped(text: str) -> str:
    """Return Markdown that shows `text`: a bar would end a cell, and two tildes strike out what is between them."""
    return text.replace("|", "\\|").replace("~", "\\~")
