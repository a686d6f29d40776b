"""Draws what became of sequences of images: curves of training, accuracy by length, and some of the sequences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from vitcnn.record import Record
from vitcnn.record.answers import Examples, examples
from vitcnn.report.plots import Drawing
from vitcnn.report.plots.curves import (
    PERCENT,
    accuracy_curves,
    draw,
    finish,
    learning_curves,
    middle,
    new_figure,
)
from vitcnn.report.plots.records import has_series, is_measured, of_task, series_of, tasks_of
from vitcnn.report.plots.styles import styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUESTION = "sequences"
WIDE_INCHES = 6.5
ANCHORED = "anchor and sequence of images"
"""What the setting `kind` says where the first image of a sequence is its anchor."""

GAP, ANCHOR_GAP = 0.1, 0.7
"""Between two images, and how much wider between an anchor and its sequence, in widths of an image."""

IMAGE_INCHES, ANSWER_WIDTH = 0.6, 4.0
"""The side of an image, and the space for the answers in widths of an image."""

COLOURS = {True: "tab:green", False: "tab:red"}


def length_curves(records: Sequence[Record]) -> Iterator[tuple[str, Figure]]:
    """Draw the test accuracy of each task against the number of images in a sequence, the longer ones beyond a line."""
    for task in tasks_of(records, QUESTION):
        found = of_task(records, QUESTION, task)
        figure, [axes] = new_figure(columns=1)
        figure.set_figwidth(WIDE_INCHES)
        look = styles(found, records)
        for record in found:
            lengths, accuracies = by_length(record)
            thick = middle(series_of(record, "test_accuracy")[:, -1])
            draw(axes, lengths, PERCENT * accuracies, look[record.case], thick=thick)
        longest = max(int(series_of(record, "length")[-1]) for record in found)
        axes.axvline(longest + 0.5, color="grey", linewidth=1, label=f"longest of training: {longest}")
        axes.set(xlabel="images in the sequence", ylabel="test accuracy, %", ylim=(0, PERCENT + 2))
        axes.set_xticks(range(int(min(axes.dataLim.x0, longest)), int(axes.dataLim.x1) + 1))
        yield task, finish(figure, f"Sequences by their length, {task}")


def by_length(record: Record) -> tuple[np.ndarray, np.ndarray]:
    """Return the lengths that a record knows, the longer ones last, and the accuracies, (seeds, lengths)."""
    lengths, accuracies = series_of(record, "length"), series_of(record, "accuracy_by_length")
    if not has_series(record, "longer_length"):
        return lengths, accuracies
    longer = series_of(record, "longer_length"), series_of(record, "accuracy_by_longer_length")
    return np.concatenate([lengths, longer[0]]), np.concatenate([accuracies, longer[1]], axis=1)


def example_pictures(records: Sequence[Record]) -> Iterator[tuple[str, Figure]]:
    """Draw some test sequences of each case, with the right answer and that of one seed."""
    for record in records:
        found = examples(record) if is_measured(record, QUESTION) else None
        if found is not None and len(found.truth):
            yield record.case.removeprefix(f"{QUESTION}/"), examples_figure(record, found)


def examples_figure(record: Record, found: Examples) -> Figure:
    """Draw a row for each example: its images, an anchor apart from the others, and beside them the answers."""
    from matplotlib.figure import Figure

    is_anchored = record.settings.get("kind") == ANCHORED
    num_rows, ends = len(found.truth), left_of(found.images.shape[1] - 1, is_anchored=is_anchored) + 1
    figure = Figure(figsize=(IMAGE_INCHES * (ends + ANSWER_WIDTH), IMAGE_INCHES * (1 + GAP) * num_rows + 1))
    axes = figure.subplots()
    figure.subplots_adjust(left=0.02, right=0.98, bottom=0.02, top=1 - 0.8 / figure.get_figheight())
    for row, (images, truth, answer) in enumerate(zip(found.images, found.truth, found.answers, strict=True)):
        top = row * (1 + GAP)
        for place in filled(images):
            left = left_of(place, is_anchored=is_anchored)
            axes.imshow(
                images[place],
                cmap="gray",
                interpolation="nearest",
                vmin=0,
                vmax=255,
                extent=(left, left + 1, top + 1, top),
            )
        write_answer(axes, record, (ends + GAP, top + 0.5), truth=int(truth), answer=int(answer))
    axes.set(xlim=(0, ends + ANSWER_WIDTH), ylim=((1 + GAP) * num_rows, 0), aspect="equal")
    axes.set_axis_off()
    what = (
        "each row: the anchor, then the sequence in which it is looked for" if is_anchored else "each row: a sequence"
    )
    figure.suptitle(f"{record.case}\n{what}; right: the answer of one seed", fontsize="small", x=0.02, ha="left")
    return figure


def filled(images: np.ndarray) -> list[int]:
    """Return the places that hold an image: in an empty one all pixels are alike."""
    pixels = images.reshape(len(images), -1)
    return np.flatnonzero(pixels.min(axis=1) < pixels.max(axis=1)).tolist()


def left_of(place: int, *, is_anchored: bool) -> float:
    """Return where the image at a place begins, in widths of an image: behind an anchor further right."""
    return place * (1 + GAP) + (ANCHOR_GAP if is_anchored and place else 0)


def write_answer(axes: Axes, record: Record, where: tuple[float, float], *, truth: int, answer: int) -> None:
    """Write the answer in the colour of right or wrong, and where it is wrong the right one too."""
    is_right = truth == answer
    text = f"{word(record, answer)}, right" if is_right else f"{word(record, answer)}, truth {word(record, truth)}"
    axes.text(*where, text, ha="left", va="center", color=COLOURS[is_right], fontsize="medium")


def word(record: Record, answer: int) -> str:
    """Return what an answer is called: by its class, or the number that it is."""
    classes = record.settings.get("classes", ())
    return str(classes[answer]) if answer < len(classes) else str(answer)


DRAWINGS: Mapping[str, Drawing] = {
    "sequences-accuracy": partial(accuracy_curves, question=QUESTION),
    "sequences-learning": partial(learning_curves, question=QUESTION),
    "sequences-length": length_curves,
    "sequences-examples": example_pictures,
}
"""All of them, by how their files' names begin."""
