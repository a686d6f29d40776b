"""Describes the trade-off between a Vision Transformer and a CNN of its size, in one line for each pair."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from statistics import median
from typing import Any, TypeGuard

import numpy as np

from vitcnn.adaptations import FULL
from vitcnn.intervals import paired_difference
from vitcnn.record import Record, Run
from vitcnn.record.answers import scores
from vitcnn.report.noisy_times import in_words

ENOUGH_IMAGES = 30
"""Of fewer, resampling does not know how much an accuracy spreads."""

SAME = 0.05
"""Times that differ by less are called the same."""

TOLD_ELSEWHERE = ("adaptation", "data_efficiency", "defects", "robustness")
"""Questions that have lines of their own."""


Told = Mapping[tuple[str, str], str]
"""In what words each question's metrics are told, by the names of both."""


def tradeoffs(run: Run, told: Told) -> list[str]:
    """Return a line for each ViT or hybrid beside a CNN of its `pairs`, where both were measured alike."""
    records = [record for record in run.records if record.settings.get("question") != "own"]
    shown = [record for record in records if record.settings.get("question") not in TOLD_ELSEWHERE]
    lines = []
    for one, other in pairs(records):
        parts = [*_accuracy(shown, one, other), *_times(shown, one, other, told)]
        if parts:
            lines.append(f"{one} against {other}: {'; '.join(parts)}.")
    return lines


def pairs(records: list[Record]) -> list[tuple[str, str]]:
    """Return each measured ViT or hybrid with the CNN that was measured alike most often.

    Of several such it is the nearest in parameters, by ratio.
    """
    sizes = {r.architecture: r.settings["num_parameters"] for r in records if "num_parameters" in r.settings}
    families = {r.architecture: r.family for r in records}
    cnns = [name for name in sizes if families[name] == "cnn"]
    others = [name for name in sizes if families[name] != "cnn"]

    cells = {name: {r.cell for r in records if r.architecture == name} for name in sizes}

    def distance(one: str, other: str) -> tuple[int, float]:
        return -len(cells[one] & cells[other]), abs(math.log(sizes[one] / sizes[other]))

    return [(name, min(cnns, key=lambda cnn: distance(name, cnn))) for name in others if cnns]


def _matched(records: list[Record], one: str, other: str, metric: str) -> list[tuple[Record, Record]]:
    """Return the records of both with `metric` that differ in the architecture alone, in order."""
    theirs = {r.cell: r for r in records if r.architecture == other and r.samples(metric)}
    ours = [r for r in records if r.architecture == one and r.samples(metric)]
    return [(record, theirs[record.cell]) for record in ours if record.cell in theirs]


def _accuracy(records: list[Record], one: str, other: str) -> list[str]:
    texts = []
    for ours, theirs in _matched(records, one, other, "test_accuracy"):
        task, right = ours.settings["task"], (scores(ours), scores(theirs))
        if right[0].shape[1] < ENOUGH_IMAGES:
            texts.append(f"accuracy on {task}: too few test images ({right[0].shape[1]}) to tell")
            continue
        difference = paired_difference(*right)
        if difference.holds(0):
            texts.append(f"accuracy on {task}: no difference seen{of_one_seed(*right)}")
        else:
            sign = "higher" if difference.estimate > 0 else "lower"
            points, low, high = (abs(100 * v) for v in (difference.estimate, difference.low, difference.high))
            low, high = sorted((low, high))
            texts.append(f"accuracy on {task}: {points:.1f} points {sign} [{low:.1f}, {high:.1f}]{of_one_seed(*right)}")
    return texts


def of_one_seed(*of_each: np.ndarray) -> str:
    """Return what is added to a difference of scores, (seeds, images), where the seeds' spread is not known."""
    return " (one seed: over the images alone)" if any(len(entry) == 1 for entry in of_each) else ""


def _times(records: list[Record], one: str, other: str, told: Told) -> list[str]:
    return [
        f"{_words(words, ours)} {_ratio(ours, theirs, metric)}{in_words(ours, theirs)}{_details(metric, ours, theirs)}"
        for (question, metric), words in told.items()
        for ours, theirs in _matched(records, one, other, metric)
        if ours.settings.get("question") == question
    ]


def _details(metric: str, ours: Record, theirs: Record) -> str:
    return of_recipes(ours, theirs) if metric == "training_time_s" else ""


def _words(template: str, record: Record) -> str:
    how = [record.settings.get("adaptation", FULL), *(["merged"] if record.settings.get("merged") else [])]
    adapted = "" if how == [FULL] else f" ({', '.join(how)})"
    return template.format(**record.settings, s="" if record.settings.get("batch") == 1 else "s") + adapted


def _ratio(ours: Record, theirs: Record, metric: str) -> str:
    ratio = median(ours.samples(metric)) / median(theirs.samples(metric))
    if abs(math.log(ratio)) < SAME:
        return "as fast"
    return f"{ratio:.1f}x slower" if ratio > 1 else f"{1 / ratio:.1f}x faster"


OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "muon": "Muon"}
"""As their authors write them, by their kinds."""


def of_recipes(ours: Record, theirs: Record) -> str:
    """Return in brackets what of epochs, batch and optimiser two recipes differ in, which a time of training is about.

    Where they differ in something else alone, their names stand for it; an empty string where they are the same.
    """
    one, other = (record.settings.get("training") for record in (ours, theirs))
    if not (_is_whole(one) and _is_whole(other)) or {**one, "name": ""} == {**other, "name": ""}:
        return ""
    differing = {name for name in TOLD if _told(one, name) != _told(other, name)}
    if not differing:
        return f" (by {ours.recipe} against {theirs.recipe})"
    return f" ({_of_recipe(one, differing, is_first=True)} against {_of_recipe(other, differing, is_first=False)})"


TOLD = frozenset({"epochs", "batch", "optimizer"})
"""Settings of recipes that a sentence names where they differ."""


def _is_whole(recipe: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(recipe, Mapping) and TOLD.issubset(recipe)


def _told(recipe: Mapping[str, Any], name: str) -> str:
    """Return a setting of a recipe in words: of the optimiser its name."""
    return OPTIMIZERS.get(recipe[name]["kind"], recipe[name]["kind"]) if name == "optimizer" else str(recipe[name])


def _of_recipe(recipe: Mapping[str, Any], differing: Set[str], *, is_first: bool) -> str:
    """Return `24 epochs of batch 64 by Muon` of what differs; of the second recipe shorter, `36 of 32 by AdamW`."""
    epochs, batch, optimizer = (_told(recipe, name) for name in ("epochs", "batch", "optimizer"))
    of_batch = ("of " if "epochs" in differing else "") + ("batch " if is_first else "") + batch
    by = "by " if is_first or len(differing) > 1 else ""
    parts = {
        "epochs": f"{epochs} epochs" if is_first else epochs,
        "batch": of_batch,
        "optimizer": f"{by}{optimizer}",
    }
    return " ".join(text for name, text in parts.items() if name in differing)
