"""Remarks on what a mean can hide: a class, or a corruption, under which every seed became much worse.

The accuracy is judged, and the mean over all corruptions. If one class of ten falls by nine points, the accuracy falls
by less than its tolerance, and a gain under one corruption makes up for a loss under another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from vitcnn.gate.baseline import Baseline
from vitcnn.gate.coverage import Coverage
from vitcnn.gate.seeds import by_seed
from vitcnn.quantity import first_of
from vitcnn.record import Record
from vitcnn.record.answers import UNDER_SHIFT

ENOUGH_SEEDS = 3
"""So many seeds must both sides have trained, and each of them must have fallen."""

MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A series of a record that holds a score of each part for each seed.

    A fall is told from `least_fall` on, which is wider than what few images of a part spread by chance. `named` returns
    the names of the parts, and `scores_of` the scores (seeds, parts), from the values of the series.
    """

    series: str
    least_fall: float
    named: Callable[[Mapping[str, object]], Sequence[str]]
    scores_of: Callable[[np.ndarray], np.ndarray]


def _classes(settings: Mapping[str, object]) -> Sequence[str]:
    classes = settings.get("classes")
    return [f"class {name}" for name in classes] if isinstance(classes, list) else ()


def _corruptions(settings: Mapping[str, object]) -> Sequence[str]:
    kinds = settings.get("corruptions")
    return [str(kind["name"]) for kind in kinds] if isinstance(kinds, list) else ()


PARTS = (
    Parts(series="class_accuracy", least_fall=0.1, named=_classes, scores_of=lambda values: values),
    Parts(
        series=UNDER_SHIFT,
        least_fall=0.05,
        named=_corruptions,
        scores_of=lambda values: values[:, :, 1:].mean(axis=2),
    ),
)


def fallen_parts(coverage: Coverage, baseline: Baseline) -> tuple[str, ...]:
    """Return a line that names the classes and corruptions that are much worse for every seed; none if none is."""
    found = [
        f"{case}: {fall}"
        for case, records in coverage.measured.items()
        for parts in PARTS
        for fall in _falls(parts, baseline.cases[case].records, records)
    ]
    if not found:
        return ()
    return (f"Not judged, but much worse for every seed: {first_of(found, MOST_NAMED)}.",)


def _falls(parts: Parts, before: Sequence[Record], now: Sequence[Record]) -> Iterator[str]:
    """Yield each part whose score fell for every seed of both sides, below that of all seeds of the baseline."""
    old_scores, new_scores = ([_scores(parts, record) for record in side] for side in (before, now))
    for index, name in enumerate(parts.named(now[0].settings)):
        old, new = (
            by_seed([(seeds, scores[:, index].tolist()) for seeds, scores in side if seeds])
            for side in (old_scores, new_scores)
        )
        seeds = [seed for seed in new if seed in old]
        if len(seeds) < ENOUGH_SEEDS:
            continue
        fell = all(old[seed] - new[seed] > parts.least_fall for seed in seeds)
        if fell and max(new[seed] for seed in seeds) < min(old.values()):
            first, last = (100 * mean(side[seed] for seed in seeds) for side in (old, new))
            yield f"{name} {first:.1f} -> {last:.1f} %"


def _scores(parts: Parts, record: Record) -> tuple[Sequence[int], np.ndarray]:
    """Return the seeds of a record and their scores (seeds, parts); no seeds if it lacks the series."""
    values = next((series.values for series in record.series if series.name == parts.series), ())
    seeds = record.settings.get("seeds")
    if not values or not isinstance(seeds, list) or len(seeds) != len(values):
        return (), np.empty((0, 0))
    return seeds, parts.scores_of(np.asarray(values, dtype=float))
