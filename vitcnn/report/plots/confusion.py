"""Draws confusion matrices: how often each model classifies one class as another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from vitcnn.record import Record
from vitcnn.report.plots.records import is_measured, series_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_COUNTED = 20
"""Classes up to which the counts stand in the cells."""

LONGEST_NAME = 20
INCHES_PER_CLASS = 0.55, 0.16
"""Of a matrix with counts, and of one without."""

GAMMA = 0.4
"""Below 1, rare confusions show too."""


def confusion_matrices(records: Sequence[Record], *, question: str = "accuracy") -> Iterator[tuple[str, Figure]]:
    """Draw the matrix of each case of a question."""
    for record in records:
        if is_measured(record, question):
            yield record.case.removeprefix(f"{question}/"), confusion_figure(record)


def confusion_figure(record: Record) -> Figure:
    """Draw one case's matrix: a row for each class, the share of its images that were taken for each, as colour."""
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    counts = series_of(record, "confusion_matrix").mean(axis=0)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [str(name)[:LONGEST_NAME] for name in record.settings["classes"]]
    is_counted = len(names) <= MOST_COUNTED
    side = 2.5 + len(names) * INCHES_PER_CLASS[0 if is_counted else 1]
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="viridis", norm=PowerNorm(GAMMA, vmin=0, vmax=1))
    size = "medium" if is_counted else "x-small"
    axes.set_xticks(range(len(names)), names, fontsize=size, rotation=90 if max(map(len, names)) > 2 else 0)
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.set_title(f"{record.case}\nmean of {record.settings['num_seeds']} seeds", fontsize="small")
    label = f"share of the true class (colours not linear: by share to the power of {GAMMA:g})"
    figure.colorbar(image, label=label, shrink=0.8)
    if is_counted:
        write_counts(axes, counts, shares)
    return figure


def write_counts(axes: Axes, counts: np.ndarray, shares: np.ndarray) -> None:
    """Write the mean number of images into each cell that has any."""
    for row, column in np.argwhere(counts > 0):
        colour = "black" if shares[row, column] > GAMMA else "white"
        text = f"{counts[row, column]:,.1f}".removesuffix(".0")
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize="small")
