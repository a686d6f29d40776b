"""The trade-offs and the compact table at the end of a run."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from tabulate import tabulate

from vitcnn.intervals import accuracy_interval
from vitcnn.metrics.test_accuracy import correct
from vitcnn.quantity import counted, significant
from vitcnn.record import Record, Run
from vitcnn.report.cells import cell
from vitcnn.report.claims import published
from vitcnn.report.data_efficiency import data_efficiency
from vitcnn.report.noisy_times import LEGEND, MARK, marked, noise
from vitcnn.report.robustness import robustness
from vitcnn.report.tradeoffs import tradeoffs
from vitcnn.spec import FAMILIES

ABSENT = "-"
ONE_SEED = "Accuracy of one seed: its interval is over the test images alone."


Show = Callable[[Record, str], str]


@dataclass(frozen=True)
class Column:
    """One column of the table: the question and settings of the records it shows, the metric, and how it is shown."""

    title: str
    question: str
    metric: str
    show: Show
    where: Mapping[str, object] = field(default_factory=dict)

    def fits(self, record: Record) -> bool:
        """Whether `record` can stand in this column."""
        wanted = {"question": self.question, **self.where}
        return wanted.items() <= {key: record.settings.get(key) for key in wanted}.items() and bool(
            record.samples(self.metric)
        )

    def text(self, record: Record) -> str:
        """Return what the column shows of `record`."""
        return self.show(record, self.metric)


def scaled(factor: float = 1.0) -> Show:
    """Return what shows the median of a metric times `factor`, to three significant digits."""
    return lambda record, metric: significant(median(record.samples(metric)) * factor)


def time_text(record: Record, metric: str) -> str:
    """Show the median of a time or a rate, to three significant digits, marked where it is noisy."""
    return marked(significant(median(record.samples(metric))), record)


def latency_text(record: Record, metric: str) -> str:
    """Show median and 95th percentile of the rounds in milliseconds, marked where they are noisy."""
    middle, high = (significant(value * 1e3) for value in np.percentile(record.samples(metric), [50, 95]))
    return marked(f"{middle}/{high}", record)


def accuracy_text(record: Record, _metric: str) -> str:
    """Show the mean accuracy of the seeds in per cent, with its 95 % interval over seeds and images."""
    interval = accuracy_interval(correct(record))
    return f"{100 * interval.estimate:.1f} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def columns(records: list[Record]) -> list[Column]:
    """Return the columns that `records` can fill."""
    tasks = sorted({record.settings["task"] for record in records if record.settings["question"] == "accuracy"})
    every = [
        *(
            Column(f"accuracy\n{task}\n% [95 %]", "accuracy", "test_accuracy", accuracy_text, {"task": task})
            for task in tasks
        ),
        *(Column(f"training\n{task}\ns", "accuracy", "training_time_s", time_text, {"task": task}) for task in tasks),
        *(
            Column(f"to {100 * target:g} %\n{task}\ns", "accuracy", "time_to_accuracy_s", time_text, {"task": task})
            for task, target in targets(records).items()
        ),
        *(
            Column(f"training\n{px} px\nimages/s", "training", "images_per_s", time_text, {"px": px})
            for px in pixels(records, "training")
        ),
        *(
            Column(f"latency\n{px} px, ms\nmedian/p95", "latency", "latency_s", latency_text, {"px": px})
            for px in pixels(records, "latency")
        ),
        Column("4K\nframe\ns", "tiled", "frame_time_s", time_text),
        Column("saved for\nbackward\nMB", "memory", "saved_for_backward_bytes", scaled(1e-6)),
        Column("peak in\ntraining\nMB", "memory", "peak_allocated_bytes", scaled(1e-6), {"phase": "training"}),
        Column("para-\nmeters\nM", "memory", "parameters", scaled(1e-6)),
        Column("MACs\nM", "memory", "macs", scaled(1e-6)),
    ]
    return [column for column in every if any(map(column.fits, records))]


def targets(records: list[Record]) -> dict[str, float]:
    """Return the target accuracy of each task on which all seeds of a case reached it."""
    reached = (record for record in records if record.samples("time_to_accuracy_s"))
    return dict(sorted((record.settings["task"], record.settings["target_accuracy"]) for record in reached))


def pixels(records: list[Record], question: str) -> list[int]:
    """Return the input resolutions that a question was measured at, from the smallest."""
    return sorted({record.settings["px"] for record in records if record.settings["question"] == question})


def shown_cell(column: Column, records: list[Record]) -> str:
    """Return the one cell that a column shows: the one that most architectures have; of these, the first collected."""
    cells = Counter(cell(record) for record in records if column.fits(record))
    return cells.most_common(1)[0][0]


def table(run: Run, *, width: int) -> str:
    """Return one row for each architecture, families together; as many tables as `width` needs, each of some columns.

    A table leaves out the architectures of which it would show nothing.
    """
    records = [record for record in run.records if record.architecture and record.settings.get("question") != "own"]
    if not records:
        return ""
    order: dict[str, int] = {family: rank for rank, family in enumerate(FAMILIES)}
    names = dict.fromkeys((r.family, r.architecture) for r in sorted(records, key=lambda r: order[r.family]))
    shown = columns(records)
    if not shown:
        return ""
    cells = {column.title: shown_cell(column, records) for column in shown}
    values = {column.title: [_entry(column, cells, records, name) for _, name in names] for column in shown}
    notes = [f"Shown: {', '.join(dict.fromkeys(cells.values()))}", *_legends(values, records)]
    below = "\n".join(textwrap.fill(note, width, break_on_hyphens=False) for note in notes)
    return "\n\n".join(_tables(list(names), values, width)) + f"\n{below}"


def _legends(values: dict[str, list[str]], records: list[Record]) -> list[str]:
    """Return what marks in the table mean, and that an interval knows one seed alone, where it is so."""
    has_mark = any(text.endswith(MARK) for texts in values.values() for text in texts)
    of_one = any(r.settings["question"] == "accuracy" and len(r.samples("test_accuracy")) == 1 for r in records)
    return [*([LEGEND] if has_mark else []), *([ONE_SEED] if of_one else [])]


def _tables(names: list[tuple[str, str]], values: dict[str, list[str]], width: int) -> list[str]:
    """Return tables that are no wider than `width`, or of one column each, with all columns in their order."""
    tables: list[str] = []
    titles: list[str] = []
    for title in values:
        if titles and _width(_render(names, values, [*titles, title])) > width:
            tables.append(_render(names, values, titles))
            titles = []
        titles.append(title)
    return [*tables, _render(names, values, titles)]


def _render(names: list[tuple[str, str]], values: dict[str, list[str]], titles: list[str]) -> str:
    rows = [[*name, *(values[title][row] for title in titles)] for row, name in enumerate(names)]
    filled = [row for row in rows if set(row[2:]) != {ABSENT}]
    headers = ["family", "architecture", *titles]
    return tabulate(filled, headers=headers, tablefmt="simple", stralign="right", disable_numparse=True)


def _width(text: str) -> int:
    return max(map(len, text.splitlines()))


def _entry(column: Column, cells: dict[str, str], records: list[Record], name: str) -> str:
    of_name = [record for record in records if record.architecture == name and column.fits(record)]
    return next((column.text(r) for r in of_name if cell(r) == cells[column.title]), ABSENT)


def _skipped(run: Run) -> list[str]:
    """Return why cases were skipped, the most frequent reasons first."""
    reasons = Counter(case.reason for case in run.cases if case.outcome == "skipped" and case.reason)
    more = len(reasons) - MOST_REASONS
    shown = [f"Skipped, {counted(count, 'case')}: {reason}" for reason, count in reasons.most_common(MOST_REASONS)]
    return [*shown, *([f"... and {counted(more, 'more reason')}, in the JSON."] if more > 0 else [])]


MOST_REASONS = 3
"""Reasons of skipped cases that the summary names."""


def summary(run: Run, *, width: int) -> str:
    """Return the trade-offs, the table, what the questions on accuracy show, and a line on what did not pass."""
    outcomes = Counter(case.outcome for case in run.cases)
    counts = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(outcomes.items()))
    lines = [textwrap.fill(line, width, subsequent_indent="  ") for line in tradeoffs(run)]
    parts = [
        "\n".join(lines),
        table(run, width=width),
        data_efficiency(run, width=width),
        robustness(run, width=width),
        published(run, width=width),
        textwrap.fill(noise(run), width),
        "\n".join(textwrap.fill(line, width, subsequent_indent="  ") for line in (f"Cases: {counts}.", *_skipped(run))),
    ]
    return "\n\n".join(part for part in parts if part)
