"""Weights that training starts from, by their name in a recipe: random, hub, a file's, or trained here on a task."""

from __future__ import annotations

from dataclasses import replace

import torch

from vitcnn.adaptation.weights import Weighted, at_random, from_file, from_hub
from vitcnn.adaptation.weights_file import weights_path
from vitcnn.bench.bench import Bench
from vitcnn.bench.obstacles import other_channels
from vitcnn.bench.pretraining import Pretrained, pretrained
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
        return from_file(entry, weights_path(value), task.shape)
    made = made_here(entry, value, task, bench)
    found = from_file(entry, made.path, task.shape)
    told = {"test_accuracy": made.accuracy, "training_time_s": round(made.training_time_s, 3)}
    identity = {"weights_made_by": made.made_by, "weights_made_as": made.made_as}
    settings = {"weights": value, **identity, "pretraining": told}
    return replace(found, settings=settings)


def made_here(entry: Architecture, value: str, task: Task, bench: Bench) -> Pretrained:
    """Return the weights of `entry` trained on the task `value`, at the resolution at which it works on `task`.

    So positions and stem are the same. UserError where the images of the two differ in their channels.
    """
    first = bench.tasks.task(value)
    require_same_channels(first, task)
    px = entry.model_px(task.shape.px)
    alike = entry if _takes_at(entry, first.shape.px, px) else _fixed(entry, first.shape.px, px)
    return pretrained(alike, first, bench)


def require_same_channels(first: Task, task: Task) -> None:
    """Raise UserError where a model of `first` cannot go on with `task`: one is grey, the other has colours."""
    if reason := other_channels(first, task):
        allowed = f"tasks whose images have {task.shape.channels} channels, as those of {task.name} do"
        raise UserError(field="weights", value=first.name, allowed=allowed, do=f"{reason[0].upper()}{reason[1:]}.")


def _takes_at(entry: Architecture, input_px: int, model_px: int) -> bool:
    """Whether `entry` works at `model_px` on images of `input_px` as it is."""
    return entry.accepts(input_px) and entry.model_px(input_px) == model_px


def _fixed(entry: Architecture, input_px: int, model_px: int) -> Architecture:
    """Return `entry`, which works at `model_px` on images of `input_px`."""
    return replace(entry, takes=None, resolutions={model_px: model_px, input_px: model_px})


def at_px(entry: Architecture, by: Recipe, task: Task) -> Architecture:
    """Return `entry`, which works at the resolution that a recipe asks for on the images of `task`.

    UserError where it answers no images of that size.
    """
    if by.model_px is None:
        return entry
    fixed = _fixed(entry, task.shape.px, by.model_px)
    shape = InputShape(px=by.model_px, channels=task.shape.channels, num_classes=task.shape.num_classes)
    try:
        with torch.device("meta"), torch.no_grad(), torch.random.fork_rng(devices=()):
            entry.builder(shape).eval()(torch.empty(shape.of_batch(2)))
    except Exception as error:  # whatever a model raises at a size that it does not take
        do = f"It raised {type(error).__name__}: {error}. Choose another size."
        allowed = f"what {entry.name} works at"
        raise UserError(field=f"model_px of {by.name}", value=by.model_px, allowed=allowed, do=do) from error
    return fixed
