"""Defines the columns of the table at the end of a run: what each one shows, and how; questions choose them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from vitcnn.adaptations import FULL
from vitcnn.intervals import accuracy_interval
from vitcnn.quantity import significant
from vitcnn.record import Record
from vitcnn.record.answers import scores
from vitcnn.report.noisy_times import marked

ABSENT = "-"
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
        return record.holds(self.metric, question=self.question, **self.where)

    def text(self, record: Record) -> str:
        """Return what the column shows of `record`."""
        return self.show(record, self.metric)


def shown_cell(column: Column, records: Sequence[Record]) -> str:
    """Return the one cell that a column shows: the one that most architectures have; of these, the first collected.

    Adapted models, of which only a part trains, are shown where no other was measured.
    """
    fitting = [record for record in records if column.fits(record)]
    whole = [record for record in fitting if record.settings.get("adaptation", FULL) == FULL]
    return Counter(record.cell for record in whole or fitting).most_common(1)[0][0]


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
    interval = accuracy_interval(scores(record))
    return f"{100 * interval.estimate:.1f} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def by_px(records: Sequence[Record], question: str, title: str, metric: str, show: Show) -> list[Column]:
    """Return a column for each resolution that a question was measured at, from the smallest; `title` holds `{px}`."""
    found = sorted({record.settings["px"] for record in records if record.settings["question"] == question})
    return [Column(title.format(px=px), question, metric, show, {"px": px}) for px in found]
