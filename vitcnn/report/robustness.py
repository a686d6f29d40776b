"""Shows how much accuracy each architecture keeps on corrupted images: a table for each task, a line for each pair."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np

from vitcnn.intervals import paired_difference
from vitcnn.metrics.robustness import relative_scores
from vitcnn.record import Record, Run
from vitcnn.record.answers import UNDER_SHIFT, correct
from vitcnn.report.side_by_side import side_by_side
from vitcnn.report.tradeoffs import ENOUGH_IMAGES, of_one_seed, pairs

RELATIVE = "mean_relative_accuracy"
ALL = "all corrupted"
MEAN = "mean relative"


def robustness(run: Run, *, width: int) -> str:
    """Return a table for each task and the lines of its pairs, no wider than `width`; empty without a record."""
    groups: dict[str, list[Record]] = {}
    for record in run.records:
        if record.settings.get("question") == "robustness" and record.samples(RELATIVE):
            groups.setdefault(record.cell, []).append(record)
    between = pairs(list(run.records))
    return "\n\n".join(_of_group(records, between, width) for records in groups.values())


def lines(records: Sequence[Record], between: Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each pair of architectures of which both are in `records`, all of one cell."""
    by_name = {record.architecture: record for record in records}
    return [_line(by_name[one], by_name[other]) for one, other in between if {one, other} <= by_name.keys()]


def under_each(record: Record) -> dict[str, float]:
    """Return the mean accuracy over seeds and severities under each corruption, by its name."""
    accuracies = _accuracies(record)[:, :, 1:].mean(axis=(0, 2))
    names = [entry["name"] for entry in record.settings["corruptions"]]
    return dict(zip(names, accuracies.tolist(), strict=True))


def _of_group(records: Sequence[Record], between: Sequence[tuple[str, str]], width: int) -> str:
    title = f"Accuracy on {records[0].settings['task']}, %, mean over all severities ({records[0].cell}):"
    columns = {record.architecture: _column(record) for record in records}
    rows = [*dict.fromkeys(row for column in columns.values() for row in column if row not in (ALL, MEAN)), ALL, MEAN]
    told = [textwrap.fill(line, width, subsequent_indent="  ") for line in lines(records, between)]
    return "\n".join([textwrap.fill(title, width), side_by_side("images", columns, rows, width=width), *told])


def _column(record: Record) -> dict[str, str]:
    accuracies = _accuracies(record)
    clean, corrupted = float(accuracies[:, 0, 0].mean()), float(accuracies[:, :, 1:].mean())
    shares = {"as they are": clean, **under_each(record), ALL: corrupted}
    relative = float(np.mean(record.samples(RELATIVE)))
    return {**{name: f"{100 * share:.1f}" for name, share in shares.items()}, MEAN: f"{relative:.3f}"}


def _line(ours: Record, theirs: Record) -> str:
    means = [float(np.mean(record.samples(RELATIVE))) for record in (ours, theirs)]
    weakest = [min(under_each(record).items(), key=lambda entry: entry[1]) for record in (ours, theirs)]
    where = "; ".join(
        f"{record.architecture} is weakest under {name} ({100 * accuracy:.1f} %)"
        for record, (name, accuracy) in zip((ours, theirs), weakest, strict=True)
    )
    return (
        f"{ours.architecture} against {theirs.architecture}: robustness on {ours.settings['task']}: mean relative "
        f"accuracy {means[0]:.3f} against {means[1]:.3f}, {_difference(ours, theirs)}; {where}."
    )


def _difference(ours: Record, theirs: Record) -> str:
    num_images = correct(ours).shape[1]
    if num_images < ENOUGH_IMAGES:
        return f"too few test images ({num_images}) to tell"
    scores = relative_scores(ours), relative_scores(theirs)
    difference = paired_difference(*scores)
    if difference.holds(0):
        return f"no difference seen{of_one_seed(*scores)}"
    low, high = sorted((abs(difference.low), abs(difference.high)))
    sign = "higher" if difference.estimate > 0 else "lower"
    return f"{abs(difference.estimate):.3f} {sign} [{low:.3f}, {high:.3f}]{of_one_seed(*scores)}"


def _accuracies(record: Record) -> np.ndarray:
    """Return accuracies (seeds, corruptions, severities from 0)."""
    return np.asarray(next(series.values for series in record.series if series.name == UNDER_SHIFT))
