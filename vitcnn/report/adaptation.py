"""Shows what adapting a pretrained model brings and costs: a table for each setting, and what leads to what.

A row is dominated where another is at least as accurate, as fast to train and as small in memory, and better in one.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from statistics import fmean, median

from tabulate import tabulate

from vitcnn.intervals import paired_difference
from vitcnn.quantity import significant
from vitcnn.record import Record, Run
from vitcnn.record.answers import scores
from vitcnn.report.columns import accuracy_text, time_text
from vitcnn.report.data_efficiency import points
from vitcnn.report.tradeoffs import ENOUGH_IMAGES, of_one_seed

QUESTION = "adaptation"
ACCURACY, TIME = "test_accuracy", "training_time_s"
MEMORY, FEATURES = "training_memory_bytes", "features_bytes"
FULL = "full"
ABSENT = "-"
MB = 1e6

LEGEND = (
    "time: to train one seed. trained: the share of the parameters that train. memory: weights, gradients, optimiser "
    "state and what the backward pass needs in a training step; for the head alone, also all cached features. worse "
    "than: a row that is no worse in accuracy, time and memory (by means and medians) and better in at least one."
)


def adaptation(run: Run, *, width: int) -> str:
    """Return a table for each setting and a line for each architecture, no wider than `width`; "" without records."""
    groups: dict[tuple[object, ...], list[Record]] = {}
    for record in run.records:
        if record.settings.get("question") == QUESTION and record.samples(ACCURACY):
            groups.setdefault(_conditions(record), []).append(record)
    parts = [_of_group(records, width) for records in groups.values()]
    return "\n\n".join([*parts, textwrap.fill(LEGEND, width)]) if parts else ""


def dominated_by(records: Sequence[Record]) -> dict[str, Record]:
    """Return for each case that another dominates, by its id, the most accurate of those that do."""
    costs = {record.case: _costs(record) for record in records}
    found = {}
    for record in records:
        better = [other for other in records if _dominates(costs[other.case], costs[record.case])]
        if better:
            found[record.case] = max(better, key=lambda other: fmean(other.samples(ACCURACY)))
    return found


def _costs(record: Record) -> tuple[float, ...]:
    """Return what is to be small: the share of wrong answers, the time, and the memory where it is known."""
    return (-fmean(record.samples(ACCURACY)), median(record.samples(TIME)), _memory(record) or 0.0)


def _memory(record: Record) -> float | None:
    """Return the bytes of a training step, and of the features that a head trains on; None where nobody knows."""
    step, features = record.samples(MEMORY), record.samples(FEATURES)
    return median(step) + (median(features) if features else 0.0) if step else None


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(ours <= theirs for ours, theirs in zip(one, other, strict=True))


def _conditions(record: Record) -> tuple[object, ...]:
    """Return what the rows of a table share."""
    keys = ("task", "num_train", "precision", "mode", "num_seeds")
    return tuple(record.settings.get(key) for key in keys)


def _weights(record: Record) -> str:
    """Return what training started from, of the hub and of files without the architecture's own name."""
    return str(record.settings["training"]["weights"]).partition(":")[0]


def _of_group(records: Sequence[Record], width: int) -> str:
    first = records[0].settings
    few = f", {first['num_train']:,} training images" if first["num_train"] else ", all training images"
    seeds = f"{first['num_seeds']} seeds" if first["num_seeds"] > 1 else "one seed"
    usual, others = _usual_weights(records)
    unless = ", where a row names no others" if others else ""
    title = f"Adapting {_begun(usual)}{unless}, to {first['task']}{few}, {seeds}:"
    better, numbers = dominated_by(records), {record.case: str(row) for row, record in enumerate(records, 1)}
    headers = ["", "", "accuracy\n% [95 %]", "time\ns", "trained\n%", "memory\nMB", "worse\nthan"]
    rows = [
        [numbers[r.case], *_row(r, usual), numbers[better[r.case].case] if r.case in better else ABSENT]
        for r in records
    ]
    align = ("right", "left", *["right"] * 5)
    table = tabulate(rows, headers=headers, tablefmt="simple", colalign=align, disable_numparse=True)
    lines = [textwrap.fill(line, width, subsequent_indent="  ") for line in _lines(records, usual)]
    return "\n".join([textwrap.fill(title, width), table, *lines])


def _usual_weights(records: Sequence[Record]) -> tuple[str, bool]:
    """Return what most rows start from, and whether some start elsewhere."""
    counts = Counter(map(_weights, records))
    return counts.most_common(1)[0][0], len(counts) > 1


def _begun(weights: str) -> str:
    known = {"hub": "ImageNet weights", "file": "weights of a file", "random": "random weights"}
    return known.get(weights, f"weights trained on {weights}")


def _name(record: Record, usual: str) -> str:
    """Return how a row is called: architecture, adaptation, and weights where they are not the usual ones."""
    weights = _weights(record)
    elsewhere = "" if weights == usual else f" ({weights})"
    return f"{record.architecture} {record.settings['adaptation']}{elsewhere}"


def _row(record: Record, usual: str) -> list[str]:
    memory = _memory(record)
    return [
        _name(record, usual),
        accuracy_text(record, ACCURACY),
        time_text(record, TIME),
        f"{100 * record.settings['num_trainable'] / record.settings['num_parameters']:.3g}",
        significant(memory / MB) if memory else ABSENT,
    ]


def _lines(records: Sequence[Record], usual: str) -> list[str]:
    """Return a line for each architecture that says how each other row compares with training everything."""
    is_whole = {r.case: r.settings["adaptation"] == FULL and _weights(r) == usual for r in records}
    whole = {record.architecture: record for record in records if is_whole[record.case]}
    lines = []
    for name, full in whole.items():
        others = [r for r in records if r.architecture == name and r is not full]
        if others:
            told = "; ".join(_against(r, full, usual) for r in others)
            lines.append(f"{name}, compared with full training: {told}.")
    return lines


def _against(ours: Record, full: Record, usual: str) -> str:
    right = (scores(ours), scores(full))
    name = _name(ours, usual).removeprefix(f"{ours.architecture} ")
    ratio = median(ours.samples(TIME)) / median(full.samples(TIME))
    times = f"takes {ratio:.2g}x the time"
    if right[0].shape[1] < ENOUGH_IMAGES:
        return f"{name}: too few test images ({right[0].shape[1]}) to tell, {times}"
    difference = paired_difference(*right)
    if difference.holds(0):
        told = "no difference in accuracy seen"
    else:
        told = f"accuracy {'higher' if difference.estimate > 0 else 'lower'} {points(difference)}"
    return f"{name}: {told}{of_one_seed(*right)}, {times}"
