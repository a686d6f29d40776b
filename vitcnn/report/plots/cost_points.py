"""Finds the points of accuracy against a cost, such as one for each architecture for which both were measured."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from vitcnn.adaptations import FULL
from vitcnn.intervals import Interval, accuracy_interval
from vitcnn.quantity import counted
from vitcnn.record import Record
from vitcnn.record.answers import scores
from vitcnn.report.noisy_times import is_noisy
from vitcnn.report.plots.records import shared_recipe


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What accuracy is set against: the metric, the question and settings of the records that hold it, and its words.

    `spread` says what its bars show; it is empty where a case measures one value.
    """

    name: str
    question: str
    metric: str
    unit: str
    words: str
    spread: str = ""
    where: Mapping[str, object] = field(hash=False, default_factory=dict)

    def fits(self, record: Record) -> bool:
        """Whether `record` holds it."""
        return record.holds(self.metric, question=self.question, **self.where)


@dataclass(frozen=True, kw_only=True)
class Point:
    """One model: its accuracy with the 95 % interval, and the 5th, 50th and 95th percentile of its cost."""

    trained: Record
    measured: Record
    accuracy: Interval
    costs: tuple[float, ...]

    @property
    def position(self) -> tuple[float, float]:
        """The median cost and the accuracy."""
        return self.costs[1], self.accuracy.estimate

    @property
    def is_noisy(self) -> bool:
        """Whether the record of its cost holds noisy times."""
        return is_noisy(self.measured)


def points_of(records: Sequence[Record], task: str, cost: Cost) -> list[Point]:
    """Return the points of the architectures that were trained on `task` and of which `cost` was measured.

    Of several resolutions it is the one nearest to the task's; then the case that most of these architectures have.
    """
    trained = one_each(is_trained_on(task, records), lambda _record: 0.0)
    px = {name: record.settings["task_px"] for name, record in trained.items()}
    holding = [record for record in records if record.architecture in trained and is_of_cost(record, cost)]
    measured = trained if cost.question == "accuracy" else one_each(holding, lambda r: distance(r, px[r.architecture]))
    return [point(trained[name], measured[name], cost) for name in trained if name in measured]


def is_trained_on(task: str, records: Iterable[Record]) -> list[Record]:
    """Return the records of accuracy cases on `task`."""
    found = (record for record in records if record.holds("test_accuracy", question="accuracy", task=task))
    return [record for record in found if "task_px" in record.settings]


def is_of_cost(record: Record, cost: Cost) -> bool:
    """Whether a record says what a model costs of which all trains: an accuracy case is of such a one."""
    return cost.fits(record) and record.settings.get("adaptation", FULL) == FULL


def distance(record: Record, px: int) -> float:
    """Return how far the resolution of `record` is from `px`, as the logarithm of their ratio."""
    return abs(math.log(record.settings["px"] / px))


def one_each(records: Sequence[Record], far: Callable[[Record], float]) -> dict[str, Record]:
    """Return one record of each architecture: the least `far`, then of the cell that most have, then the first."""
    having = Counter(found for found, _name in {(record.cell, record.architecture) for record in records})
    chosen: dict[str, Record] = {}
    for record in sorted(records, key=lambda record: (far(record), -having[record.cell])):
        chosen.setdefault(record.architecture, record)
    return {name: chosen[name] for name in dict.fromkeys(record.architecture for record in records)}


def point(trained: Record, measured: Record, cost: Cost) -> Point:
    """Return the point of a model by its two records, which may be one."""
    costs = tuple(np.percentile(measured.samples(cost.metric), [5, 50, 95]).tolist())
    return Point(trained=trained, measured=measured, accuracy=accuracy_interval(scores(trained)), costs=costs)


def measured_how(record: Record) -> str:
    """Return under which conditions a case was measured: `28 px, batch 1, fp32, eager`."""
    settings = record.settings
    how = (
        (f"recipe {shared_recipe(record)}", counted(settings["num_seeds"], "seed"))
        if record.recipe
        else (f"{settings['px']} px", f"batch {settings['batch']}")
    )
    return ", ".join((*how, settings["precision"], settings["mode"]))


def conditions(records: Sequence[Record], names: Sequence[str] = ()) -> str:
    """Return under which conditions each of `records` was measured, those of the most of them first.

    Where they differ, the names are told of all but the first: `names`, or those of the architectures.
    """
    found: dict[str, list[str]] = {}
    for record, name in zip(records, names or [record.architecture for record in records], strict=True):
        found.setdefault(measured_how(record), []).append(name)
    first, *others = sorted(found, key=lambda how: -len(found[how]))
    return "; ".join([first, *(f"{', '.join(found[how])}: {how}" for how in others)])
