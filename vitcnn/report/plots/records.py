"""Chooses the records that are shown in one plot, and the labels that tell them apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vitcnn.adaptations import Full, Head, Lora
from vitcnn.record import Record
from vitcnn.spec import ANY, set_of


def tasks_of(records: Sequence[Record], question: str) -> list[str]:
    """Return the tasks that a question was measured on."""
    return sorted({record.settings["task"] for record in records if is_measured(record, question)})


def of_task(records: Sequence[Record], question: str, task: str) -> list[Record]:
    """Return the records of one question and task."""
    return [record for record in records if is_measured(record, question) and record.settings["task"] == task]


def is_measured(record: Record, question: str) -> bool:
    """Whether a record is of `question` and was trained: where nothing was timed there is nothing to draw."""
    return record.settings.get("question") == question and bool(record.series)


def has_series(record: Record, name: str) -> bool:
    """Whether the record has a series `name`."""
    return any(series.name == name for series in record.series)


def series_of(record: Record, name: str) -> np.ndarray:
    """Return the values of the record's series `name`."""
    return np.asarray(next(series.values for series in record.series if series.name == name))


def unit_of(record: Record, name: str) -> str:
    """Return the unit of the record's series `name`."""
    return next(series.unit for series in record.series if series.name == name)


@dataclass(frozen=True, kw_only=True)
class Group:
    """What stands in one picture: the records of one question and task, trained on as many images of it.

    `num_train` is None where that is all, or where the question is not about adapting a model.
    """

    task: str
    num_train: int | None
    records: tuple[Record, ...]

    @property
    def name(self) -> str:
        """What the picture's file is named by: `digits`, `digits/n100`."""
        return self.task if self.num_train is None else f"{self.task}/n{self.num_train}"

    @property
    def words(self) -> str:
        """On what the models were trained, for a title."""
        return self.task if self.num_train is None else f"{self.task} ({self.num_train:,} training images)"


def groups_of(records: Sequence[Record], question: str) -> list[Group]:
    """Return the groups of one question's records that were trained, by task and from few images to all."""
    found: dict[tuple[str, int | None], list[Record]] = {}
    for record in records:
        if is_measured(record, question):
            found.setdefault((record.settings["task"], few(record)), []).append(record)
    order = sorted(found, key=lambda key: (key[0], key[1] is None, key[1]))
    return [Group(task=task, num_train=count, records=tuple(found[task, count])) for task, count in order]


def few(record: Record) -> int | None:
    """Return the number of training images of a model that is adapted to some of them, else None."""
    return record.settings["num_train"] if is_adaptation(record) else None


def is_adaptation(record: Record) -> bool:
    """Whether a record is about adapting a model."""
    return record.settings.get("question") == "adaptation"


CHANGES = 3
"""The place of the changes of a recipe in what tells adaptations apart."""


def variant(record: Record) -> tuple[str, ...]:
    """Return what tells a record from others of its question and task: first the architecture.

    Of a model that is adapted the adaptation stands with it. Its recipe is made for that, and tells of itself only what
    those of other adaptations share, and its changes.
    """
    how = (record.settings["precision"], record.settings["mode"])
    if not is_adaptation(record):
        return record.architecture, record.recipe, *how
    name, count = f"{record.architecture} {record.settings['adaptation']}", few(record)
    base, _, changes = shared_recipe(record).partition(",")
    return name, "" if count is None else f"n{count}", base, changes, *how


def shared_recipe(record: Record) -> str:
    """Return what the recipes of a set are called together, for all families and all kinds of adaptation.

    `digits_*` of `digits_cnn`, `transfer_*,weights=hub` of `transfer_lora_vit,weights=hub`. A recipe of no set is
    itself.
    """
    base, comma, changes = record.recipe.partition(",")
    kinds = "|".join(adaptation.kind for adaptation in (Full, Head, Lora)) if is_adaptation(record) else ""
    common = re.sub(f"_({kinds})$", "", set_of(base)) if kinds else set_of(base)
    return f"{common}_{ANY}{comma}{changes}" if common else record.recipe


def labels(records: Sequence[Record]) -> list[str]:
    """Return a name for each record: its architecture, and where several have that one, in what they differ.

    Of an adaptation what its recipe changes, such as the weights, wherever any other record has other changes.
    """
    variants = [variant(record) for record in records]
    found = []
    for record, one in zip(records, variants, strict=True):
        alike = [other for other in variants if other[0] == one[0]]
        compared = [variants if is_adaptation(record) and place == CHANGES else alike for place in range(len(one))]
        differing = [part for place, part in enumerate(one) if len({other[place] for other in compared[place]}) > 1]
        found.append(", ".join([one[0], *filter(None, differing)]))
    return found


def by_size(records: Sequence[Record], whole: Sequence[Record]) -> list[list[Record]]:
    """Return the records of each variant from few training images to many, its own of `whole` among them."""
    variants = dict.fromkeys(map(variant, records))
    lines = ([record for record in (*records, *whole) if variant(record) == wanted] for wanted in variants)
    return [sorted(line, key=lambda record: int(record.settings["num_train_images"])) for line in lines]
