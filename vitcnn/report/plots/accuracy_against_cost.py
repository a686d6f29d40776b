"""Draws accuracy against latency, training time and memory: a point for each architecture, and the Pareto front."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from vitcnn.quantity import SCALE, unit_for
from vitcnn.record import Record
from vitcnn.report.noisy_times import MARK
from vitcnn.report.plots.cost_points import Cost, Point, conditions, points_of
from vitcnn.report.plots.pareto import pareto_front
from vitcnn.report.plots.placing import Name, place_names
from vitcnn.report.plots.scales import scale_horizontal

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
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


@dataclass(frozen=True, kw_only=True)
class Look:
    """How the points of a family look: to be told apart by colour or by shape alone."""

    colour: str
    marker: str


LOOKS = {
    "cnn": Look(colour="#0072B2", marker="o"),
    "vit": Look(colour="#D55E00", marker="s"),
    "hybrid": Look(colour="#009E73", marker="^"),
    "other": Look(colour="#555555", marker="D"),
}
FRONT_COLOUR = "black"

FEWEST = 2
"""With fewer architectures there is nothing to compare."""

PERCENT = 100
LABEL_COLUMNS = 80

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
            yield task, tradeoff_figure(task, cost, points)


AGAINST: Mapping[str, Callable[[Sequence[Record]], Iterator[tuple[str, Figure]]]] = {
    "accuracy-against-latency": partial(tradeoff_pictures, (LATENCY,)),
    "accuracy-against-training-time": partial(tradeoff_pictures, (TRAINING_TIME,)),
    "accuracy-against-memory": partial(tradeoff_pictures, (PEAK, SAVED)),
}
"""The pictures, by how their files' names begin. Memory is the peak where a device knows it, as CUDA does."""


def tradeoff_figure(task: str, cost: Cost, points: Sequence[Point]) -> Figure:
    """Draw the points of one task with their bars and names, and the Pareto front."""
    from matplotlib.figure import Figure

    unit = unit_for(middle_of([value for point in points for value in point.costs]), cost.unit)
    shown = [replace(point, costs=tuple(value / SCALE.get(unit, 1.0) for value in point.costs)) for point in points]
    figure = Figure(figsize=(9.5, 6), layout="constrained")
    axes = figure.subplots()
    axes.grid(visible=True, alpha=0.3)
    for point in shown:
        draw_point(axes, point)
    costs = [point.position[0] for point in shown]
    scale_horizontal(axes, min(costs), max(costs))
    members = [shown[place] for place in pareto_front([point.position for point in shown])]
    draw_front(axes, members)
    axes.set_xlabel(f"{cost.words}, {unit}\n{wrapped_conditions([point.measured for point in shown])}")
    axes.set_ylabel(f"test accuracy on {task}, %\n{wrapped_conditions([point.trained for point in shown])}")
    figure.suptitle("\n".join(heading(task, cost, shown)), fontsize="medium", x=0.01, ha="left")
    figure.legend(handles=legend_of(shown), title=LEGEND_TITLE, loc="outside right upper", fontsize="small")
    place_names(figure, axes, [name_of(point, is_member=point in members) for point in shown])
    return figure


def middle_of(values: Sequence[float]) -> float:
    """Return the middle between the smallest and the largest of `values`, as ratios go."""
    return math.sqrt(min(values) * max(values))


def draw_point(axes: Axes, point: Point) -> None:
    """Draw a point with its bars, hollow where its times are noisy."""
    look, (low, cost, high), accuracy = LOOKS[point.trained.family], point.costs, point.accuracy
    axes.errorbar(
        cost,
        PERCENT * accuracy.estimate,
        xerr=[[cost - low], [high - cost]],
        yerr=[[PERCENT * (accuracy.estimate - accuracy.low)], [PERCENT * (accuracy.high - accuracy.estimate)]],
        fmt=look.marker,
        color=look.colour,
        markerfacecolor="white" if point.is_noisy else look.colour,
        elinewidth=1,
    )


def draw_front(axes: Axes, members: Sequence[Point]) -> None:
    """Draw the front as stairs: the best accuracy among the points that cost no more."""
    costs, accuracies = zip(*(point.position for point in members), strict=True)
    right = axes.get_xlim()[1]
    steps = [*(PERCENT * value for value in accuracies), PERCENT * accuracies[-1]]
    axes.step([*costs, right], steps, where="post", color=FRONT_COLOUR, linewidth=1, zorder=1)
    axes.set_xlim(right=right)


def name_of(point: Point, *, is_member: bool) -> Name:
    """Return the name that stands beside a point: bold where it is a member of the front, marked where it is noisy."""
    cost, accuracy = point.position
    text = f"{point.trained.architecture}{MARK if point.is_noisy else ''}"
    colour = LOOKS[point.trained.family].colour
    return Name(text=text, colour=colour, x=cost, y=PERCENT * accuracy, is_bold=is_member)


def wrapped_conditions(records: Sequence[Record]) -> str:
    """Return under which conditions `records` were measured, in lines that fit along an axis."""
    return textwrap.fill(conditions(records), LABEL_COLUMNS)


def heading(task: str, cost: Cost, points: Sequence[Point]) -> list[str]:
    """Return what the figure shows, in lines: its title, and what the names, the bars and hollow points mean."""
    of_one_seed = any(len(point.trained.samples("test_accuracy")) == 1 for point in points)
    over = "the test images alone (one seed)" if of_one_seed else "seeds and test images"
    bars = f"bars: 95 % interval of the accuracy over {over}"
    noisy = f"hollow, {MARK}: noisy time, to be measured again"
    return [
        f"Accuracy on {task} against {cost.name}",
        "bold: Pareto front (no other point costs less and is more accurate); where bars overlap, a new run may differ",
        f"{bars}; {cost.spread}" if cost.spread else bars,
        *([noisy] if any(point.is_noisy for point in points) else []),
    ]


def legend_of(points: Sequence[Point]) -> list[Artist]:
    """Return what stands in the legend: the families that are there, and the front."""
    from matplotlib.lines import Line2D

    families = {point.trained.family for point in points}
    looks = {family: look for family, look in LOOKS.items() if family in families}
    marks = [
        Line2D([], [], color=look.colour, marker=look.marker, linestyle="", label=name) for name, look in looks.items()
    ]
    return [*marks, Line2D([], [], color=FRONT_COLOUR, linewidth=1, label="Pareto front")]
