"""Builds the model and the batch of images for cases that time one forward pass or one training step."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vitcnn.adaptation.adapt import adapted, num_trainable, require_used
from vitcnn.adaptation.lora import is_lora, merge
from vitcnn.adaptations import FULL, Lora, adaptation
from vitcnn.architectures import architecture
from vitcnn.architectures.parts import num_parameters
from vitcnn.bench.lifetimes import Peak
from vitcnn.bench.predicted_memory import Asked, checkpointed, predicted_peak
from vitcnn.bench.rounds import MANY_ROUNDS, Rounds, planned
from vitcnn.bench.subject import Subject
from vitcnn.bench.training_memory import training_memory
from vitcnn.device import Device
from vitcnn.errors import NotPredictable
from vitcnn.images import normalize
from vitcnn.inference import for_inference
from vitcnn.inference.forward import DTYPES, memory_format, resized
from vitcnn.input_sizes import num_anchors
from vitcnn.recipes.parts import STEP_OPTIMIZER, Optimizer
from vitcnn.spec import AdaptableCase, Architecture, BatchCase, Case, InputShape, Split
from vitcnn.tasks import real_images
from vitcnn.training import Source, TrainingStep, optimizers, shrunk_split, source_of

WEIGHTS_SEED = 0
IMAGES_TO_TRY = 2
"""Images that show whether a model calls the layers that were put into it, and whether its head is its last layer."""


def random_model(entry: Architecture, shape: InputShape, device: Device, seed: int = WEIGHTS_SEED) -> nn.Module:
    """Build an architecture for `shape` with seeded random weights, on the device, where drawing them is quick."""
    seed_everything(seed)
    with torch.device(device.name):
        return resized(entry, shape)


def seed_everything(seed: int) -> None:
    """Seed all random numbers that a user's model may draw its weights by: those of torch, numpy and Python."""
    torch.manual_seed(seed)
    np.random.seed(seed)  # a user's model may draw by it
    random.seed(seed)


def model_of(case: Case, entry: Architecture, shape: InputShape, device: Device) -> tuple[nn.Module, dict[str, Any]]:
    """Build the model of a case with seeded random weights, adapted as the case says, and return its settings too.

    These are about the model as it is before. UserError where it cannot be adapted so.
    """
    model = random_model(entry, shape, device)
    settings = model_settings(entry, shape, model)
    if not isinstance(case, AdaptableCase) or case.adaptation == FULL:
        return model, settings
    how = adaptation(case.adaptation)
    model = adapted(model, how)
    if isinstance(how, Lora):
        require_used(model, images_on(device, shape, IMAGES_TO_TRY, memory_format(entry)))
    return model, {**settings, "num_trainable": num_trainable(model)}


def placed(split: Split, shape: InputShape, device: Device) -> Source:
    """Return a split on the device, or streamed to it, its images no larger than those of `shape`."""
    return source_of(shrunk_split(split, shape.px, device), device, num_classes=shape.num_classes)


def model_settings(entry: Architecture, shape: InputShape, model: nn.Module) -> dict[str, Any]:
    """Return what repeats `model` besides its case, and its size: weights, layout, resolution, parameters."""
    return {
        "weights": entry.weights,
        "layout": str(memory_format(entry)),
        "model_px": entry.model_px(shape.px),
        "num_parameters": num_parameters(model),
    }


def images_on(
    device: Device, shape: InputShape, batch: int, layout: torch.memory_format, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Return a batch of inputs of `shape` on the device, normalised, as `dtype` in the model's layout."""
    images = torch.from_numpy(real_images.batch(shape.px, batch * (shape.length or 1))).to(device.name)
    return normalize(images, dtype).view(shape.of_batch(batch)).contiguous(memory_format=layout)


def forward_subject(
    case: BatchCase,
    device: Device,
    rounds: Rounds = MANY_ROUNDS,
    *,
    length: int | None = None,
    num_classes: int = real_images.NUM_CLASSES,
) -> Subject:
    """Return the subject whose run is one forward in inference mode, of images or of sequences of `length`."""
    entry, shape = architecture(case.architecture), real_images.input_shape(case.px, num_classes)
    if length is not None:
        shape = replace(shape, num_classes=1, length=length + num_anchors(entry.sizes.kind))
    layout = memory_format(entry)
    ready = partial(for_inference, device=device, layout=layout, precision=case.precision)
    built, settings = model_of(case, entry, shape, device)
    is_merged, has_lora = getattr(case, "merged", False), any(map(is_lora, built.modules()))
    model = ready(merge(built) if is_merged else built, mode=case.mode)
    images = images_on(device, shape, case.batch, layout, DTYPES[case.precision])

    def run() -> Tensor:
        with torch.inference_mode():
            return model(images)

    def merging() -> Callable[[], object]:
        """Return what merges a model that is built anew: merging changes it."""
        return partial(merge, ready(model_of(case, entry, shape, device)[0], mode="eager"))

    return batch_subject(
        case,
        device,
        shape,
        model,
        run,
        rounds,
        settings,
        merging=merging if has_lora and not is_merged else None,
        forwards_per_run=case.batch,
        predicted=prediction(case, shape, None),
    )


def step_subject(
    case: BatchCase,
    device: Device,
    rounds: Rounds = MANY_ROUNDS,
    *,
    optimizer: Optimizer = STEP_OPTIMIZER,
    checkpointing: bool = False,
    num_classes: int = real_images.NUM_CLASSES,
) -> Subject:
    """Return the subject whose run is one training step on the same batch.

    With `checkpointing` each block is computed again in the backward, where a model can do that.
    """
    entry, shape = architecture(case.architecture), real_images.input_shape(case.px, num_classes)
    layout = memory_format(entry)
    model, settings = model_of(case, entry, shape, device)
    model = model.to(memory_format=layout)
    if checkpointing:
        checkpointed(model, entry)
    updating = optimizers(model, optimizer)
    step = TrainingStep(
        model,
        updating,
        device=device,
        layout=layout,
        precision=case.precision,
        mode=case.mode,
    )
    images = images_on(device, shape, case.batch, layout)
    labels = torch.arange(case.batch, device=device.name) % shape.num_classes

    def run() -> Tensor:
        return step(images, labels)

    return batch_subject(
        case,
        device,
        shape,
        model,
        run,
        rounds,
        {**settings, "optimizer": asdict(optimizer)},
        training_memory=cache(lambda: training_memory(model, run, updating)),
        predicted=prediction(case, shape, optimizer),
    )


def prediction(case: BatchCase, shape: InputShape, optimizer: Optimizer | None) -> Callable[[], Peak | None] | None:
    """Return what predicts the peak of an eager case on CUDA: of a step by `optimizer`, or without one of a forward."""
    if case.mode != "eager":
        return None
    asked = Asked(
        architecture=architecture(case.architecture),
        shape=shape,
        batch=case.batch,
        precision=case.precision,
        optimizer=optimizer,
        adaptation=case.adaptation if isinstance(case, AdaptableCase) else FULL,
        merged=getattr(case, "merged", False),
    )

    def predicted() -> Peak | None:
        try:
            return predicted_peak(asked)
        except NotPredictable:  # a model of the user's own may need numbers
            return None

    return predicted


def batch_subject(
    case: BatchCase,
    device: Device,
    shape: InputShape,
    model: nn.Module,
    run: Callable[[], Tensor],
    rounds: Rounds,
    settings: dict[str, Any],
    **rest: Any,
) -> Subject:
    """Return the subject whose run passes a batch of `shape` through `model`.

    `settings` repeat the run, and `rest` is what else such a subject has.
    """
    return Subject(
        case=case,
        architecture=architecture(case.architecture),
        device=device,
        shape=shape,
        model=model,
        run=run,
        warm_up=lambda: planned(rounds, run, device.timer),
        images_per_run=case.batch * (shape.length or 1),
        settings={**settings, "seed": WEIGHTS_SEED},
        **rest,
    )
