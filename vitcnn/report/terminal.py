"""The compact table and the trade-offs at the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from tabulate import tabulate

from vitcnn.metrics.test_accuracy import accuracy_interval, correct
from vitcnn.record import Record, Run
from vitcnn.report.tradeoffs import tradeoffs
from vitcnn.spec import FAMILIES

ABSENT = "-"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the table: which records it can show, which metric, and how."""

    title: str
    question: str
    metric: str
    show: Callable[[Record], str]
    axis: str = ""
    value: object = None

    def fits(self, record: Record) -> bool:
        """Whether `record` can stand in this column."""
        settings = record.settings
        asked = settings.get("question") == self.question and (not self.axis or settings.get(self.axis) == self.value)
        return asked and bool(record.samples(self.metric))


def scaled(metric: str, factor: float = 1.0) -> Callable[[Record], str]:
    """Return what shows the median of `metric` times `factor`, to three significant digits."""
    return lambda record: significant(median(record.samples(metric)) * factor)


def significant(value: float) -> str:
    """Show three significant digits, never an exponent: 0.0123, 1.23, 12.3, 1,234."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 2
    while abs(value) < 10 ** (2 - digits) and digits < 9:
        digits += 1
    return f"{value:.{digits - 1}f}" if abs(value) >= 10 else f"{value:.{digits}f}"


def accuracy_text(record: Record) -> str:
    """Show the mean accuracy of the seeds in per cent, with its 95 % interval over seeds and images."""
    interval = accuracy_interval(correct(record))
    return f"{interval.estimate:.1%} [{interval.low:.1%}, {interval.high:.1%}]".replace("%", "")


def columns(records: list[Record]) -> list[Column]:
    """Return the columns that `records` can fill."""
    task = next((r.settings["task"] for r in records if r.settings.get("question") == "accuracy"), "")
    latencies = [
        Column(
            title=f"latency\n{px} px\nms",
            question="latency",
            metric="latency_s",
            show=scaled("latency_s", 1e3),
            axis="px",
            value=px,
        )
        for px in sorted({r.settings["px"] for r in records if r.settings.get("question") == "latency"})
    ]
    rates = [
        Column(
            title=f"training\n{px} px\nimages/s",
            question="training",
            metric="images_per_s",
            show=scaled("images_per_s"),
            axis="px",
            value=px,
        )
        for px in sorted({r.settings["px"] for r in records if r.settings.get("question") == "training"})
    ]
    every = [
        Column(
            title=f"accuracy\n{task}, %\n[95 %]", question="accuracy", metric="test_accuracy", show=accuracy_text
        ),
        Column(
            title="training\ntime\ns", question="accuracy", metric="training_time_s", show=scaled("training_time_s")
        ),
        *rates,
        *latencies,
        Column(title="4K\nframe\ns", question="tiled", metric="frame_time_s", show=scaled("frame_time_s")),
        Column(
            title="saved for\nbackward\nMB",
            question="memory",
            metric="saved_for_backward_bytes",
            show=scaled("saved_for_backward_bytes", 1e-6),
        ),
        Column(
            title="peak\nmemory\nMB",
            question="memory",
            metric="peak_allocated_bytes",
            show=scaled("peak_allocated_bytes", 1e-6),
            axis="phase",
            value="training",
        ),
        Column(title="para-\nmeters\nM", question="memory", metric="parameters", show=scaled("parameters", 1e-6)),
        Column(title="MACs\n\nM", question="memory", metric="macs", show=scaled("macs", 1e-6)),
    ]
    return [column for column in every if any(map(column.fits, records))]


def cell_of(record: Record) -> str:
    """Return the record's case without its architecture: records of one cell are comparable."""
    return record.case.replace(f"/{record.architecture}/", "/", 1)


def shown_cell(column: Column, records: list[Record]) -> str:
    """Return the one cell that a column shows: the one that most architectures have; of these, the first collected."""
    cells = Counter(cell_of(record) for record in records if column.fits(record))
    return cells.most_common(1)[0][0]


def table(run: Run, *, width: int) -> str:
    """Return one row for each architecture, families together; turned on its side where it is wider than `width`."""
    records = [record for record in run.records if record.architecture and record.settings.get("question") != "own"]
    if not records:
        return ""
    order = {family: rank for rank, family in enumerate(FAMILIES)}
    names = dict.fromkeys((r.family, r.architecture) for r in sorted(records, key=lambda r: order[r.family]))
    shown = columns(records)
    cells = {column.title: shown_cell(column, records) for column in shown}
    rows = [[family, name, *(_entry(column, cells, records, name) for column in shown)] for family, name in names]
    upright = _render([["family", "architecture", *(column.title for column in shown)], *rows])
    if max(map(len, upright.splitlines())) <= width:
        return upright
    titles = ["", "family", *(column.title.replace("\n", " ").strip() for column in shown)]
    turned = zip(titles, *([name, family, *values] for family, name, *values in rows), strict=True)
    return _render([list(row) for row in turned])


def _entry(column: Column, cells: dict[str, str], records: list[Record], name: str) -> str:
    of_name = [record for record in records if record.architecture == name and column.fits(record)]
    return next((column.show(r) for r in of_name if cell_of(r) == cells[column.title]), ABSENT)


def _render(rows: list[list[str]]) -> str:
    return tabulate(rows[1:], headers=rows[0], tablefmt="simple", stralign="right", disable_numparse=True)


def summary(run: Run, *, width: int) -> str:
    """Return the table, the trade-offs and a line on what did not pass."""
    outcomes = Counter(case.outcome for case in run.cases)
    counts = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(outcomes.items()))
    parts = [table(run, width=width), "\n".join(tradeoffs(run)), f"Cases: {counts}."]
    return "\n\n".join(part for part in parts if part)
