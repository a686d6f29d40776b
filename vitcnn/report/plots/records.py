"""Chooses the records that are shown in one plot, and the labels that tell them apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vitcnn.record import Record


def tasks_of(records: Sequence[Record], question: str) -> list[str]:
    """Return the tasks that a question was measured on."""
    return sorted({record.settings["task"] for record in records if is_measured(record, question)})


def of_task(records: Sequence[Record], question: str, task: str) -> list[Record]:
    """Return the records of one question and task."""
    return [record for record in records if is_measured(record, question) and record.settings["task"] == task]


def is_measured(record: Record, question: str) -> bool:
    """Whether a record is of `question` and was trained: where nothing was timed there is nothing to draw."""
    return record.settings.get("question") == question and bool(record.series)


def series_of(record: Record, name: str) -> np.ndarray:
    """Return the values of the record's series `name`."""
    return np.asarray(next(series.values for series in record.series if series.name == name))


def unit_of(record: Record, name: str) -> str:
    """Return the unit of the record's series `name`."""
    return next(series.unit for series in record.series if series.name == name)


def variant(record: Record) -> tuple[str, ...]:
    """Return what tells a record from others of its question and task: first the architecture."""
    settings = record.settings
    return record.architecture, record.recipe, settings["precision"], settings["mode"]


def labels(records: Sequence[Record]) -> list[str]:
    """Return a name for each record: its architecture, and where several have that one, in what they differ."""
    variants = [variant(record) for record in records]
    found = []
    for one in variants:
        alike = [other for other in variants if other[0] == one[0]]
        differing = [part for place, part in enumerate(one) if len({other[place] for other in alike}) > 1]
        found.append(", ".join([one[0], *differing]))
    return found


def by_size(records: Sequence[Record], whole: Sequence[Record]) -> list[list[Record]]:
    """Return the records of each variant from few training images to many, its own of `whole` among them."""
    variants = dict.fromkeys(map(variant, records))
    lines = ([record for record in (*records, *whole) if variant(record) == wanted] for wanted in variants)
    return [sorted(line, key=lambda record: int(record.settings["num_train_images"])) for line in lines]
