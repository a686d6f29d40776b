"""Draws one curve for each seed of each architecture; the seed with the median accuracy is thick."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vitcnn.record import Record
from vitcnn.report.plots.records import by_size, groups_of, is_measured, of_task, series_of, tasks_of, unit_of
from vitcnn.report.plots.scales import scale_horizontal
from vitcnn.report.plots.styles import LEGEND_TITLE, styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONGEST_LEGEND, LEGEND_INCHES = 20, 3
"""Lines of one column of a legend, and its width."""

PERCENT = 100


THIN = {"linewidth": 0.8, "alpha": 0.45, "markersize": 3}
"""How the lines of the other seeds look."""

SEEDS = "thick: the seed of median accuracy; thin: the other seeds"
SIZES = "dots: seeds, each on images of its own\nlines: through the seed of median accuracy of each size"


def middle(values: Sequence[float] | np.ndarray) -> int:
    """Return the place of the median among `values`; of an even number, that of the lower middle one."""
    return int(np.argsort(values, kind="stable")[(len(values) - 1) // 2])


def draw(axes: Axes, x: np.ndarray, values: np.ndarray, style: Mapping[str, Any], *, thick: int) -> None:
    """Draw a line for each seed, a row of `values`, over `x`, one row or a row for each; that of `thick` stands out."""
    for seed, (across, upward) in enumerate(zip(np.broadcast_to(x, values.shape), values, strict=True)):
        look = style if seed == thick else {**style, **THIN, "label": None}
        axes.plot(across, upward, **look)


def finish(figure: Figure, title: str, subtitle: str = SEEDS) -> Figure:
    """Put the title and the legend of all lines around the axes."""
    figure.suptitle(f"{title}\n{subtitle}", fontsize="medium", x=0.01, ha="left")
    handles, names = figure.axes[0].get_legend_handles_labels()
    columns = -(-len(names) // LONGEST_LEGEND)
    figure.set_figwidth(figure.get_figwidth() + LEGEND_INCHES * columns)
    figure.legend(handles, names, title=LEGEND_TITLE, loc="outside right upper", fontsize="small", ncols=columns)
    return figure


def new_figure(*, columns: int, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes, row by row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5 * columns, 4.2 * rows + 0.3), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
    for one in axes:
        one.grid(visible=True, alpha=0.3)
    return figure, axes


def accuracy_curves(
    records: Sequence[Record], *, question: str = "accuracy", fewest_points: int = 1
) -> Iterator[tuple[str, Figure]]:
    """Draw the test accuracy of each group of a question against epochs, and against seconds of training.

    Cases of which fewer epochs were tested than `fewest_points` are left out.
    """
    curves = [r for r in records if is_measured(r, question) and len(series_of(r, "tested_epoch")) >= fewest_points]
    for group in groups_of(curves, question):
        figure, (by_epoch, by_time) = new_figure(columns=2)
        look = styles(group.records, records)
        for record in group.records:
            accuracies = PERCENT * series_of(record, "test_accuracy")
            for axes, x in ((by_epoch, "tested_epoch"), (by_time, "training_time_s")):
                draw(axes, series_of(record, x), accuracies, look[record.case], thick=middle(accuracies[:, -1]))
        target = PERCENT * group.records[0].settings["target_accuracy"]
        for axes in (by_epoch, by_time):
            axes.axhline(target, color="grey", linewidth=1, label=f"target: {target:g} %")
        over_epochs(by_epoch)
        by_epoch.set_ylabel("test accuracy, %")
        over_seconds(by_time, group.records)
        yield group.name, finish(figure, f"Test accuracy on {group.words}")


def over_epochs(axes: Axes) -> None:
    """Let the horizontal axis count epochs."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def over_seconds(axes: Axes, records: Sequence[Record]) -> None:
    """Let the horizontal axis be seconds: a logarithmic one where some trained many times as long as others."""
    axes.set_xlabel("seconds of training")
    ends = [float(np.median(series_of(record, "training_time_s")[:, -1])) for record in records]
    scale_horizontal(axes, min(ends), max(ends))


def learning_curves(records: Sequence[Record], *, question: str = "accuracy") -> Iterator[tuple[str, Figure]]:
    """Draw the training loss and the learning rate of each group of a question against epochs."""
    for group in groups_of(records, question):
        figure, (by_loss, by_rate) = new_figure(columns=2)
        look = styles(group.records, records)
        for record in group.records:
            losses, rates = series_of(record, "training_loss"), series_of(record, "learning_rate")
            epochs, thick = np.arange(1, len(rates) + 1), middle(series_of(record, "test_accuracy")[:, -1])
            draw(by_loss, epochs, losses, look[record.case], thick=thick)
            draw(by_rate, epochs, rates[None], look[record.case], thick=0)  # all seeds share it
        over_epochs(by_loss)
        over_epochs(by_rate)
        by_loss.set(ylabel=f"training loss, {unit_of(group.records[0], 'training_loss')}", yscale="log")
        by_rate.set_ylabel("learning rate")
        yield group.name, finish(figure, f"Training on {group.words}")


def robustness_curves(records: Sequence[Record]) -> Iterator[tuple[str, Figure]]:
    """Draw the test accuracy of each task under each corruption against its strength, from none on."""
    for task in tasks_of(records, "robustness"):
        found = of_task(records, "robustness", task)
        corruptions = found[0].settings["corruptions"]
        columns = min(4, len(corruptions))
        figure, all_axes = new_figure(columns=columns, rows=-(-len(corruptions) // columns))
        look = styles(found, records)
        for number, (axes, corruption) in enumerate(zip(all_axes, corruptions, strict=False)):
            strengths = ["none", *(f"{strength:g}" for strength in corruption["severities"])]
            for record in found:
                accuracies = PERCENT * series_of(record, "accuracy_under_shift")
                thick = middle(accuracies.mean(axis=(1, 2)))
                draw(axes, np.arange(len(strengths)), accuracies[:, number], look[record.case], thick=thick)
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
        look = styles([line[0] for line in lines], records)
        sizes = sorted({record.settings["num_train_images"] for line in lines for record in line})
        for line in lines:
            draw_sizes(axes, line, look[line[0].case])
        axes.set(xlabel="training images", ylabel="test accuracy, %", xscale="log")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=45)
        axes.minorticks_off()
        yield task, finish(figure, f"Few training images of {task}", SIZES)


def draw_sizes(axes: Axes, line: Sequence[Record], style: Mapping[str, Any]) -> None:
    """Draw a dot for each seed of each size, and a line through the median of each."""
    counts = [record.settings["num_train_images"] for record in line]
    accuracies = [PERCENT * np.array(record.samples("test_accuracy")) for record in line]
    for count, values in zip(counts, accuracies, strict=True):
        axes.plot([count] * len(values), values, **{**style, "linestyle": "", "label": None}, alpha=0.5)
    axes.plot(counts, [values[middle(values)] for values in accuracies], **style)
