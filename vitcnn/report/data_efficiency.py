"""Shows accuracy by the number of training images: a table for each task, and which architecture leads where."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise

from vitcnn.intervals import Interval, paired_difference
from vitcnn.record import Record, Run
from vitcnn.record.answers import scores
from vitcnn.report.side_by_side import side_by_side
from vitcnn.report.tradeoffs import ENOUGH_IMAGES, of_one_seed, pairs

ACCURACY = "test_accuracy"

BySize = Mapping[int, Record]
"""Records of one architecture that differ in the number of training images alone."""


def data_efficiency(run: Run, *, width: int) -> str:
    """Return a table for each task and the lines of its pairs, no wider than `width`; empty without a record.

    The accuracy case on all training images joins those on few, where the run has it.
    """
    between = pairs(list(run.records))
    return "\n\n".join(_of_group(group, between, width) for group in groups(run.records))


def groups(records: Sequence[Record]) -> list[dict[str, BySize]]:
    """Return the records by architecture and size, for each task, precision, mode and number of seeds.

    Of an architecture that was trained by several recipes, those by the first.
    """
    scored = [record for record in records if record.samples(ACCURACY)]
    found: dict[tuple[object, ...], dict[str, dict[int, Record]]] = {}
    recipes: dict[tuple[object, ...], str] = {}
    for record in (r for r in scored if r.settings["question"] == "data_efficiency"):
        found.setdefault(_conditions(record), {}).setdefault(record.architecture, {})
        recipes.setdefault((record.architecture, *_conditions(record)), record.recipe)
    for record in scored:
        if recipes.get((record.architecture, *_conditions(record))) == record.recipe:
            found[_conditions(record)][record.architecture][_size(record)] = record
    return [{name: dict(sorted(sizes.items())) for name, sizes in group.items()} for group in found.values()]


def line(one: str, ours: BySize, other: str, theirs: BySize) -> str:
    """Return who of two architectures leads at which of the sizes that both have; empty where they share none."""
    sizes = [size for size in ours if size in theirs]
    if not sizes:
        return ""
    start = f"{one} against {other}: accuracy on few images of {ours[sizes[0]].settings['task']}: "
    num_images = scores(ours[sizes[0]]).shape[1]
    if num_images < ENOUGH_IMAGES:
        return f"{start}too few test images ({num_images}) to tell."
    of_both = {size: (scores(ours[size]), scores(theirs[size])) for size in sizes}
    differences = {size: paired_difference(*both) for size, both in of_both.items()}
    leads = {size: 0 if d.holds(0) else (1 if d.estimate > 0 else -1) for size, d in differences.items()}
    names = {1: one, -1: other}
    stretches = [
        _stretch(names.get(lead), {size: differences[size] for size in together})
        for lead, together in groupby(sizes, key=leads.__getitem__)
    ]
    crossed = crossovers(leads, one, other) or ["no crossover seen"] * (len(sizes) > 1 and any(leads.values()))
    return f"{start}{'; '.join([*crossed, *stretches])} images{of_one_seed(*of_both[sizes[0]])}."


def _stretch(leader: str | None, differences: Mapping[int, Interval]) -> str:
    """Return who leads at some sizes, one after the other, and by how much; nobody where `leader` is None."""
    if leader is None:
        return f"no difference seen at {listed([f'{size:,}' for size in differences])}"
    return f"{leader} leads at {listed([f'{size:,} {points(found)}' for size, found in differences.items()])}"


def points(difference: Interval) -> str:
    """Return by how many points one leads, with the interval, without a sign."""
    points, *bounds = (abs(100 * v) for v in (difference.estimate, difference.low, difference.high))
    low, high = sorted(bounds)
    return f"(by {points:.1f} points [{low:.1f}, {high:.1f}])"


def crossovers(leads: Mapping[int, int], one: str, other: str) -> list[str]:
    """Return between which sizes the lead changes: `leads` says 1 where `one` leads, -1 where `other` does, else 0."""
    decided = [(size, lead) for size, lead in leads.items() if lead]
    return [
        f"{one if lead > 0 else other} overtakes {other if lead > 0 else one} between {before:,} and {size:,} images"
        for (before, led), (size, lead) in pairwise(decided)
        if led != lead
    ]


def _of_group(group: Mapping[str, BySize], between: Sequence[tuple[str, str]], width: int) -> str:
    first = next(iter(next(iter(group.values())).values()))
    title = f"Accuracy on {first.settings['task']} by the number of training images, %, mean of seeds (worst-best):"
    columns = {name: {f"{size:,}": _entry(record) for size, record in sizes.items()} for name, sizes in group.items()}
    rows = [f"{size:,}" for size in sorted({size for sizes in group.values() for size in sizes})]
    told = [line(one, group[one], other, group[other]) for one, other in between if {one, other} <= group.keys()]
    wrapped = [textwrap.fill(text, width, subsequent_indent="  ") for text in told if text]
    return "\n".join([textwrap.fill(title, width), side_by_side("images", columns, rows, width=width), *wrapped])


def _entry(record: Record) -> str:
    shares = [100 * share for share in record.samples(ACCURACY)]
    return f"{sum(shares) / len(shares):.1f} ({min(shares):.1f}-{max(shares):.1f})"


def _size(record: Record) -> int:
    """Return the number of images that a record's seeds were trained on; the accuracy case knows it as theirs all."""
    size: int = record.settings["num_train_images"]
    return size


def _conditions(record: Record) -> tuple[object, ...]:
    """Return what two records on the same images share."""
    return tuple(record.settings.get(key) for key in ("task", "precision", "mode", "num_seeds"))


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence: `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
