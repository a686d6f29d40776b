"""Shows accuracy on sequences of images: by their length for each task, who leads, and what of an answer does not hold.

An answer about a sequence should depend neither on how far it is padded nor, where the task asks about a set, on the
order of its images.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from statistics import fmean

from vitcnn.intervals import paired_difference
from vitcnn.quantity import significant
from vitcnn.record import Record, Run
from vitcnn.record.answers import scores
from vitcnn.report.columns import Column, Show, accuracy_text, time_text
from vitcnn.report.data_efficiency import listed, points
from vitcnn.report.plots.records import labels, of_task, series_of, tasks_of
from vitcnn.report.side_by_side import ABSENT, side_by_side
from vitcnn.report.tradeoffs import ENOUGH_IMAGES, of_one_seed

QUESTION = "sequences"
BY_LENGTH, BY_LONGER = ("accuracy_by_length", "length"), ("accuracy_by_longer_length", "longer_length")
"""Series of accuracies (seeds, lengths), and of these lengths: such as were trained on, and longer ones."""

ACCURACY, LONGER = "test_accuracy", "longer_accuracy"
GROUPED = 5
"""So many of the longer lengths share a row."""

UNCHANGED = 1e-5
"""Changes of an answer up to this share of its range are rounding."""

NOT_APPLICABLE = "not applicable"

DEPENDENCES = {
    "order_dependence": ("the order of the images", "when the images change places"),
    "padding_dependence": ("the padding", "when ten empty places are appended"),
}
"""By metric, on what answers depend, and how that was found."""


def sequences(run: Run, *, width: int) -> str:
    """Return a table for each task and what is to be said of it, no wider than `width`; empty without a record."""
    groups: dict[str, list[Record]] = {}
    for record in run.records:
        if record.settings.get("question") == QUESTION and _by_length(record, BY_LENGTH):
            groups.setdefault(record.cell, []).append(record)
    return "\n\n".join(_of_group(records, width) for records in groups.values())


def columns(records: Sequence[Record]) -> list[Column]:
    """Return the accuracy on each task, then that on longer sequences, then the training time."""
    tasks = tasks_of(records, QUESTION)
    longest = {task: _longest(of_task(records, QUESTION, task)) for task in tasks}
    return [
        *(_column("accuracy\n{}\n% [95 %]", ACCURACY, accuracy_text, task) for task in tasks),
        *(_column(f"accuracy, over\n{longest[task]} images, %\n{{}}", LONGER, _percent, task) for task in tasks),
        *(_column("training\n{}\ns", "training_time_s", time_text, task) for task in tasks),
    ]


def leader(records: Sequence[Record]) -> str:
    """Return which of the records of one task has the highest accuracy, and by how much beside each of the others.

    Intervals are those of differences on the same images. The sentence is empty where nobody is to be compared.
    """
    names = dict(zip((record.case for record in records), labels(records), strict=True))
    first, *others = sorted(records, key=lambda record: -fmean(record.samples(ACCURACY)))
    task, ours = first.settings["task"], scores(first)
    if not others:
        return ""
    if ours.shape[1] < ENOUGH_IMAGES:
        return f"On {task} there are too few test images ({ours.shape[1]}) to tell who leads."
    differences = {names[other.case]: paired_difference(ours, scores(other)) for other in others}
    ahead = [f"of {name} {points(found)}" for name, found in differences.items() if not found.holds(0)]
    level = [name for name, found in differences.items() if found.holds(0)]
    one_seed = of_one_seed(ours, *map(scores, others))
    if not ahead:
        return f"On {task} no difference in accuracy is seen between {listed([names[first.case], *level])}{one_seed}."
    but = f"; no difference from {listed(level)} is seen" if level else ""
    return f"On {task} {names[first.case]} is ahead {listed(ahead)}{but}{one_seed}."


def reservations(records: Sequence[Record]) -> list[str]:
    """Return a sentence for each thing on which answers depend and should not, and on who takes no longer sequences."""
    named = list(zip(labels(records), records, strict=True))
    found = [
        f"The answers of {name} depend on {what}: they change by up to {_share(record, metric)} of their range {when}."
        for metric, (what, when) in DEPENDENCES.items()
        for name, record in named
        if max(record.samples(metric), default=0.0) > UNCHANGED
    ]
    short = [name for name, record in named if not record.samples(LONGER)]
    longer = f"Sequences of more than {_longest(records)} images are {NOT_APPLICABLE}"
    return [*found, *([f"{longer} to {listed(short)}."] if short else [])]


def far_from_target(records: Sequence[Record]) -> str:
    """Return that no model reached the task's target, and how to train longer; empty where one did."""
    target, best = records[0].settings["target_accuracy"], max(fmean(record.samples(ACCURACY)) for record in records)
    if best >= target:
        return ""
    epochs = 5 * records[0].settings.get("training", {"epochs": 4})["epochs"]
    longer = f"--recipe {records[0].recipe.partition(',')[0]},epochs={epochs}"
    return f"No model reaches the task's target of {100 * target:.0f} %. To train longer, use for example {longer}."


def _of_group(records: Sequence[Record], width: int) -> str:
    task, cell = records[0].settings["task"], records[0].cell
    title = f"Accuracy on {task} by the number of images in a sequence, %, mean of the seeds ({cell}):"
    rows = _rows(records)
    shown = {
        name: {row: _cell(record, lengths, _longest(records)) for row, lengths in rows.items()}
        for name, record in zip(labels(records), records, strict=True)
    }
    told = [leader(records), *reservations(records), far_from_target(records)]
    wrapped = [textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False) for line in told if line]
    filled_title = textwrap.fill(title, width, break_on_hyphens=False)
    return "\n".join([filled_title, side_by_side("images", shown, list(rows), width=width), *wrapped])


def _rows(records: Sequence[Record]) -> dict[str, list[int]]:
    """Return the lengths that each row is about, by its name: one, some of the longer ones, and all of either kind."""
    known, longer = (
        sorted({length for record in records for length in _by_length(record, names)})
        for names in (BY_LENGTH, BY_LONGER)
    )
    single = [[length] for length in known]
    grouped = [longer[at : at + GROUPED] for at in range(0, len(longer), GROUPED)]
    rows = [lengths for lengths in (*single, known, *grouped, longer) if lengths]
    return {f"{lengths[0]}-{lengths[-1]}" if lengths[1:] else str(lengths[0]): lengths for lengths in rows}


def _cell(record: Record, lengths: Sequence[int], longest: int) -> str:
    """Return the mean accuracy on sequences of some lengths; on all of a kind, that of the metric."""
    is_longer = lengths[0] > longest
    if is_longer and not record.samples(LONGER):
        return NOT_APPLICABLE
    every = _by_length(record, BY_LONGER if is_longer else BY_LENGTH)
    if set(every) <= set(lengths):
        return _percent(record, LONGER if is_longer else ACCURACY)
    found = [every[length] for length in lengths if length in every]
    return f"{100 * fmean(found):.1f}" if found else ABSENT


def _by_length(record: Record, names: tuple[str, str]) -> dict[int, float]:
    """Return the mean accuracy of the seeds by length; empty where the record knows none."""
    if not any(series.name == names[0] for series in record.series):
        return {}
    accuracies, lengths = (series_of(record, name) for name in names)
    return dict(zip(lengths.tolist(), accuracies.mean(axis=0).tolist(), strict=True))


def _longest(records: Sequence[Record]) -> int:
    """Return how many images the longest sequences have that are as long as those of training."""
    return max((length for record in records for length in _by_length(record, BY_LENGTH)), default=0)


def _percent(record: Record, metric: str) -> str:
    return f"{100 * fmean(record.samples(metric)):.1f}"


def _share(record: Record, metric: str) -> str:
    return f"{significant(100 * max(record.samples(metric)), 2)} %"


def _column(title: str, metric: str, show: Show, task: str) -> Column:
    return Column(title.format(task), QUESTION, metric, show, {"task": task})
