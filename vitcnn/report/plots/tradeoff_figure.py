"""Draws points of accuracy against a cost with their bars and names, and the Pareto front."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from vitcnn.quantity import SCALE, unit_for
from vitcnn.record import Record
from vitcnn.report.noisy_times import MARK
from vitcnn.report.plots.cost_points import Cost, Point, conditions
from vitcnn.report.plots.pareto import pareto_front
from vitcnn.report.plots.placing import Name, place_names
from vitcnn.report.plots.scales import scale_horizontal

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FRONT_COLOUR = "black"
PERCENT = 100
ACROSS, UPWARD = 80, 60
"""Characters that fit along the two axes."""

FEWEST = 2
"""With fewer points there is nothing to compare."""

SWATCH_PT = 6
"""Width of the line that shows a colour alone in a legend."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a point looks; in a legend, what stands for a colour alone has no marker."""

    colour: Any
    marker: str = ""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A point as it is shown: what it is called, and how it looks."""

    point: Point
    name: str
    look: Look


@dataclass(frozen=True, kw_only=True)
class Legend:
    """What colours and markers stand for: each look by its name, below `title`."""

    title: str
    looks: Mapping[str, Look] = field(hash=False)


def tradeoff_figure(about: str, cost: Cost, points: Sequence[Shown], legend: Legend) -> Figure:
    """Draw points of models that were trained on what `about` says, and the Pareto front."""
    from matplotlib.figure import Figure

    unit = unit_for(middle_of([value for shown in points for value in shown.point.costs]), cost.unit)
    points = [in_unit(shown, unit) for shown in points]
    figure = Figure(figsize=(9.5, 6), layout="constrained")
    axes = figure.subplots()
    axes.grid(visible=True, alpha=0.3)
    for shown in points:
        draw_point(axes, shown)
    positions = [shown.point.position for shown in points]
    costs = [cost for cost, _accuracy in positions]
    scale_horizontal(axes, min(costs), max(costs))
    members = [points[place] for place in pareto_front(positions)]
    draw_front(axes, [shown.point for shown in members])
    names = [shown.name for shown in points]
    measured, trained = ([getattr(shown.point, which) for shown in points] for which in ("measured", "trained"))
    axes.set_xlabel(f"{cost.words}, {unit}\n{wrapped_conditions(measured, names, ACROSS)}")
    of_accuracy = "" if measured == trained else f"\n{wrapped_conditions(trained, names, UPWARD)}"
    axes.set_ylabel(f"test accuracy on {about}, %{of_accuracy}")
    figure.suptitle(
        "\n".join(heading(about, cost, [shown.point for shown in points])), fontsize="medium", x=0.01, ha="left"
    )
    figure.legend(handles=entries(legend), title=legend.title, loc="outside right upper", fontsize="small")
    place_names(figure, axes, [name_of(shown, is_member=shown in members) for shown in points])
    return figure


def in_unit(shown: Shown, unit: str) -> Shown:
    """Return a point with its costs in `unit`."""
    costs = tuple(value / SCALE.get(unit, 1.0) for value in shown.point.costs)
    return replace(shown, point=replace(shown.point, costs=costs))


def middle_of(values: Sequence[float]) -> float:
    """Return the middle between the smallest and the largest of `values`, as ratios go."""
    return math.sqrt(min(values) * max(values))


def draw_point(axes: Axes, shown: Shown) -> None:
    """Draw a point with its bars, hollow where its times are noisy."""
    point, look = shown.point, shown.look
    (low, cost, high), accuracy = point.costs, point.accuracy
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


def name_of(shown: Shown, *, is_member: bool) -> Name:
    """Return the name that stands beside a point: bold where it is a member of the front, marked where it is noisy."""
    cost, accuracy = shown.point.position
    text = f"{shown.name}{MARK if shown.point.is_noisy else ''}"
    return Name(text=text, colour=shown.look.colour, x=cost, y=PERCENT * accuracy, is_bold=is_member)


def wrapped_conditions(records: Sequence[Record], names: Sequence[str], columns: int) -> str:
    """Return under which conditions `records` were measured, in lines of as many characters."""
    return textwrap.fill(conditions(records, names), columns)


def heading(about: str, cost: Cost, points: Sequence[Point]) -> list[str]:
    """Return what the figure shows, in lines: its title, and what the names, the bars and hollow points mean."""
    of_one_seed = any(len(point.trained.samples("test_accuracy")) == 1 for point in points)
    over = "the test images alone (one seed)" if of_one_seed else "seeds and test images"
    bars = f"bars: 95 % interval of the accuracy over {over}"
    noisy = f"hollow, {MARK}: noisy time, to be measured again"
    return [
        f"Accuracy on {about} against {cost.name}",
        "bold: Pareto front (no other point costs less and is more accurate); where bars overlap, a new run may differ",
        f"{bars}; {cost.spread}" if cost.spread else bars,
        *([noisy] if any(point.is_noisy for point in points) else []),
    ]


def entries(legend: Legend) -> list[Artist]:
    """Return what stands in the legend: what the looks stand for, and the front."""
    from matplotlib.lines import Line2D

    return [
        *(
            Line2D([], [], color=look.colour, marker=look.marker, linestyle="", label=name)
            if look.marker
            else Line2D([], [], color=look.colour, linewidth=SWATCH_PT, label=name)
            for name, look in legend.looks.items()
        ),
        Line2D([], [], color=FRONT_COLOUR, linewidth=1, label="Pareto front"),
    ]
