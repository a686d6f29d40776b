"""Weights that training starts from, by their name in a recipe: random, hub, a file's, or trained here on a task."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from vitcnn.adaptation.weights import Weighted, at_random, from_file, from_hub
from vitcnn.bench.bench import Bench
from vitcnn.bench.pretraining import pretrained
from vitcnn.errors import UserError
from vitcnn.recipes.parts import HUB, OF_FILE, RANDOM, Recipe
from vitcnn.spec import Architecture, InputShape, Task


def weighted(entry: Architecture, value: str, task: Task, bench: Bench) -> Weighted:
    """Return `entry` with the weights that `value` names, for the images of `task`.

    UserError where they do not fit, MissingData where they are not here; what can be trained here is.
    """
    if value == RANDOM:
        return at_random(entry)
    if value == HUB:
        return from_hub(entry, task.shape.px)
    if value.startswith(OF_FILE):
        return from_file(entry, Path(value.removeprefix(OF_FILE)).expanduser(), task.shape)
    made = pretrained(entry, bench.tasks.task(value), bench)
    found = from_file(entry, made.path, task.shape)
    settings = {"weights": value, "weights_made_as": made.made_as, "pretraining": dict(made.card)}
    return replace(found, settings=settings)


def at_px(entry: Architecture, by: Recipe, task: Task) -> Architecture:
    """Return `entry`, which works at the resolution that a recipe asks for on the images of `task`.

    UserError where it answers no images of that size.
    """
    if by.model_px is None:
        return entry
    fixed = replace(entry, takes=None, resolutions={task.shape.px: by.model_px})
    shape = InputShape(px=by.model_px, channels=task.shape.channels, num_classes=task.shape.num_classes)
    try:
        with torch.device("meta"), torch.no_grad(), torch.random.fork_rng(devices=()):
            entry.builder(shape).eval()(torch.empty(shape.of_batch(2)))
    except Exception as error:  # whatever a model raises at a size that it does not take
        do = f"It raised {type(error).__name__}: {error}. Choose another size."
        allowed = f"what {entry.name} works at"
        raise UserError(field=f"model_px of {by.name}", value=by.model_px, allowed=allowed, do=do) from error
    return fixed
