"""Draws accuracy against latency, training time and memory: a point for each architecture, and the Pareto front."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from vitcnn.record import Record
from vitcnn.report.plots import Drawing
from vitcnn.report.plots.cost_points import Cost, Point, points_of
from vitcnn.report.plots.tradeoff_figure import FEWEST, Legend, Look, Shown, tradeoff_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LATENCY = Cost(
    name="latency",
    question="latency",
    metric="latency_s",
    unit="s",
    words="median latency of one forward",
    spread="5th to 95th percentile of the rounds",
)
TRAINING_TIME = Cost(
    name="training time",
    question="accuracy",
    metric="training_time_s",
    unit="s",
    words="median training time of a seed",
    spread="5th to 95th percentile of the seeds",
)
PEAK = Cost(
    name="memory",
    question="memory",
    metric="peak_allocated_bytes",
    unit="B",
    words="peak memory of a training step",
    where={"phase": "training"},
)
SAVED = Cost(
    name="memory",
    question="memory",
    metric="saved_for_backward_bytes",
    unit="B",
    words="memory saved for backward in a training step",
    where={"phase": "training"},
)


LOOKS = {
    "cnn": Look(colour="#0072B2", marker="o"),
    "vit": Look(colour="#D55E00", marker="s"),
    "hybrid": Look(colour="#009E73", marker="^"),
    "other": Look(colour="#555555", marker="D"),
}

LEGEND_TITLE = "colour and shape:\nfamily"
"""Here a colour stands for a family, in the pictures of curves for an architecture: every legend says which."""


def tradeoff_pictures(costs: Sequence[Cost], records: Sequence[Record]) -> Iterator[tuple[str, Figure]]:
    """Draw a figure for each task on which accuracy and one of `costs` are known of two architectures or more.

    It is the first of `costs` of which that holds.
    """
    trained = (record for record in records if record.settings.get("question") == "accuracy")
    for task in sorted({record.settings["task"] for record in trained}):
        found = ((cost, points_of(records, task, cost)) for cost in costs)
        for cost, points in [(cost, points) for cost, points in found if len(points) >= FEWEST][:1]:
            yield task, tradeoff_figure(task, cost, [as_family(point) for point in points], legend_of(points))


def as_family(point: Point) -> Shown:
    """Show a point by its architecture's name, in the look of its family."""
    return Shown(point=point, name=point.trained.architecture, look=LOOKS[point.trained.family])


def legend_of(points: Sequence[Point]) -> Legend:
    """Return the legend of the families that are there."""
    families = {point.trained.family for point in points}
    return Legend(title=LEGEND_TITLE, looks={name: look for name, look in LOOKS.items() if name in families})


AGAINST: Mapping[str, Drawing] = {
    "accuracy-against-latency": partial(tradeoff_pictures, (LATENCY,)),
    "accuracy-against-training-time": partial(tradeoff_pictures, (TRAINING_TIME,)),
    "accuracy-against-memory": partial(tradeoff_pictures, (PEAK, SAVED)),
}
"""The pictures, by how their files' names begin. Memory is the peak where a device knows it, as CUDA does."""
