"""Curves, one for each architecture: the mean of its seeds, and from the lowest to the highest of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vitcnn.record import Record
from vitcnn.report.plots.records import by_size, labels, of_task, series_of, tasks_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES = {"cnn": "-", "vit": "--", "hybrid": ":", "other": "-."}
FEW_COLOURS, MANY_COLOURS = "tab10", "tab20"
NUM_FEW = 10
WIDE_RATIO = 10
"""Times so far apart are shown on a logarithmic axis."""

LONGEST_LEGEND, LEGEND_INCHES = 20, 3
"""Lines of one column of a legend, and its width."""

PERCENT = 100


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Values over `x`; `low` and `high` are the lowest and the highest seed's."""

    x: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def curve(x: Sequence[float] | np.ndarray, points: Iterable[Sequence[float] | np.ndarray]) -> Curve:
    """Return the curve of the seeds' values at each of the points `x`."""
    samples = [np.asarray(values, dtype=float) for values in points]
    return Curve(
        x=np.asarray(x, dtype=float),
        mean=np.array([values.mean() for values in samples]),
        low=np.array([values.min() for values in samples]),
        high=np.array([values.max() for values in samples]),
    )


def styles(records: Sequence[Record]) -> dict[str, dict[str, Any]]:
    """Return how the line of each case looks: a colour of its own, solid for CNNs, dashed for ViTs, dotted for hybrids.

    Its label tells it from the others.
    """
    import matplotlib

    palette: Any = matplotlib.colormaps[FEW_COLOURS if len(records) <= NUM_FEW else MANY_COLOURS]
    return {
        record.case: {
            "label": f"{label} ({record.family})",
            "color": palette.colors[number % palette.N],
            "linestyle": LINES[record.family],
        }
        for number, (record, label) in enumerate(zip(records, labels(records), strict=True))
    }


def draw(axes: Axes, shown: Curve, style: Mapping[str, Any]) -> None:
    """Draw the mean as a line and the seeds' spread around it; a single point as a dot."""
    axes.plot(shown.x, shown.mean, marker=".", **style)
    axes.fill_between(shown.x, shown.low, shown.high, color=style["color"], alpha=0.2, linewidth=0)


def finish(figure: Figure, title: str) -> Figure:
    """Put the title and the legend of all lines around the axes."""
    subtitle = "lines: mean of the seeds; areas: from the lowest to the highest"
    figure.suptitle(f"{title}\n{subtitle}", fontsize="medium", x=0.01, ha="left")
    handles, names = figure.axes[0].get_legend_handles_labels()
    columns = -(-len(names) // LONGEST_LEGEND)
    figure.set_figwidth(figure.get_figwidth() + LEGEND_INCHES * columns)
    figure.legend(handles, names, loc="outside right upper", fontsize="small", ncols=columns)
    return figure


def new_figure(*, columns: int, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes, row by row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5 * columns, 4.2 * rows + 0.3), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
    for one in axes:
        one.grid(visible=True, alpha=0.3)
    return figure, axes


def accuracy_curves(records: Sequence[Record]) -> Iterator[tuple[str, Figure]]:
    """Draw the test accuracy of each task against epochs, and against seconds of training."""
    for task in tasks_of(records, "accuracy"):
        found = of_task(records, "accuracy", task)
        figure, (by_epoch, by_time) = new_figure(columns=2)
        look = styles(found)
        for record in found:
            accuracies, seconds = PERCENT * series_of(record, "test_accuracy"), series_of(record, "training_time_s")
            draw(by_epoch, curve(series_of(record, "tested_epoch"), accuracies.T), look[record.case])
            draw(by_time, curve(seconds.mean(axis=0), accuracies.T), look[record.case])
        target = PERCENT * found[0].settings["target_accuracy"]
        for axes in (by_epoch, by_time):
            axes.axhline(target, color="grey", linewidth=1, label=f"target: {target:g} %")
        over_epochs(by_epoch)
        by_epoch.set_ylabel("test accuracy, %")
        over_seconds(by_time, found)
        yield task, finish(figure, f"Test accuracy on {task}")


def over_epochs(axes: Axes) -> None:
    """Let the horizontal axis count epochs."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def over_seconds(axes: Axes, records: Sequence[Record]) -> None:
    """Let the horizontal axis be seconds: a logarithmic one where some trained many times as long as others."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set_xlabel("seconds of training")
    ends = [series_of(record, "training_time_s")[:, -1].mean() for record in records]
    if max(ends) > WIDE_RATIO * min(ends):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())


def learning_curves(records: Sequence[Record]) -> Iterator[tuple[str, Figure]]:
    """Draw the training loss and the learning rate of each task against epochs."""
    for task in tasks_of(records, "accuracy"):
        found = of_task(records, "accuracy", task)
        figure, (by_loss, by_rate) = new_figure(columns=2)
        look = styles(found)
        for record in found:
            losses, rates = series_of(record, "training_loss"), series_of(record, "learning_rate")
            epochs = np.arange(1, len(rates) + 1)
            draw(by_loss, curve(epochs, losses.T), look[record.case])
            draw(by_rate, curve(epochs, rates[:, None]), look[record.case])
        over_epochs(by_loss)
        over_epochs(by_rate)
        by_loss.set(ylabel="training loss, nat", yscale="log")
        by_rate.set_ylabel("learning rate")
        yield task, finish(figure, f"Training on {task}")


def robustness_curves(records: Sequence[Record]) -> Iterator[tuple[str, Figure]]:
    """Draw the test accuracy of each task under each corruption against its strength, from none on."""
    for task in tasks_of(records, "robustness"):
        found = of_task(records, "robustness", task)
        corruptions = found[0].settings["corruptions"]
        columns = min(4, len(corruptions))
        figure, all_axes = new_figure(columns=columns, rows=-(-len(corruptions) // columns))
        look = styles(found)
        for number, (axes, corruption) in enumerate(zip(all_axes, corruptions, strict=False)):
            strengths = ["none", *(f"{strength:g}" for strength in corruption["severities"])]
            for record in found:
                accuracies = PERCENT * series_of(record, "accuracy_under_shift")[:, number]
                draw(axes, curve(range(len(strengths)), accuracies.T), look[record.case])
            axes.set_xticks(range(len(strengths)), strengths)
            axes.set(title=corruption["name"], xlabel=corruption["unit"])
            axes.set_ylim(0, PERCENT)
        for axes in all_axes[len(corruptions) :]:
            axes.set_axis_off()
        for axes in all_axes[::columns]:
            axes.set_ylabel("test accuracy, %")
        yield task, finish(figure, f"Corrupted test images of {task}")


def data_efficiency_curves(records: Sequence[Record]) -> Iterator[tuple[str, Figure]]:
    """Draw the test accuracy of each task against the number of training images, all of them the last one."""
    for task in tasks_of(records, "data_efficiency"):
        lines = by_size(of_task(records, "data_efficiency", task), of_task(records, "accuracy", task))
        figure, [axes] = new_figure(columns=1)
        look = styles([line[0] for line in lines])
        sizes = sorted({record.settings["num_train_images"] for line in lines for record in line})
        for line in lines:
            counts = [record.settings["num_train_images"] for record in line]
            accuracies = [PERCENT * np.array(record.samples("test_accuracy")) for record in line]
            draw(axes, curve(counts, accuracies), look[line[0].case])
        axes.set(xlabel="training images", ylabel="test accuracy, %", xscale="log")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=45)
        axes.minorticks_off()
        yield task, finish(figure, f"Few training images of {task}")
