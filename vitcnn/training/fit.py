"""Trains a module by a recipe. It knows no metric: `predict` says what the trained module answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vitcnn.device import Device
from vitcnn.errors import Diverged
from vitcnn.spec import Mode, Precision, Recipe
from vitcnn.training.augment import random_affine, random_flip
from vitcnn.training.resident import Resident
from vitcnn.training.step import TrainingStep, adamw

PREDICT_BATCH = 512


@dataclass(frozen=True, kw_only=True)
class TrainingHistory:
    """How training went: the mean loss and the last learning rate of each epoch."""

    losses: tuple[float, ...]
    learning_rates: tuple[float, ...]


def fit(
    model: nn.Module,
    train: Resident,
    *,
    recipe: Recipe,
    device: Device,
    layout: torch.memory_format,
    precision: Precision,
    mode: Mode,
    seed: int,
    after_epoch: Callable[[int, float], None] = lambda _epoch, _loss: None,
) -> TrainingHistory:
    """Train `model`, in place, on `train`; same seed, same machine, same result.

    The host waits for the device once an epoch, to read the mean loss; Diverged where it is not finite. Only parameters
    that require gradients train. `after_epoch` is told the epoch, from 1, and its loss.
    """
    model = model.to(device.name).to(memory_format=layout)
    optimizer = adamw(
        model, learning_rate=recipe.peak_learning_rate, weight_decay=recipe.weight_decay, betas=recipe.betas
    )
    step = TrainingStep(
        model,
        optimizer,
        device=device,
        layout=layout,
        precision=precision,
        mode=mode,
        label_smoothing=recipe.label_smoothing,
    )
    generator = torch.Generator(device.name).manual_seed(seed)
    steps_per_epoch = train.num_batches(recipe.batch)
    losses, rates = [], []
    for epoch in range(recipe.epochs):
        total = torch.zeros((), device=device.name)
        for index, (images, labels) in enumerate(
            train.shuffled(recipe.batch, generator), start=epoch * steps_per_epoch
        ):
            rate = learning_rate(recipe, index, recipe.epochs * steps_per_epoch)
            for group in optimizer.param_groups:
                group["lr"] = rate
            images = random_affine(random_flip(images, recipe.flip_share, generator), recipe.augmentation, generator)
            total += step(images, labels)
        losses.append(_finite(total.item() / steps_per_epoch, seed=seed, epoch=epoch + 1, recipe=recipe))
        rates.append(rate)
        after_epoch(epoch + 1, losses[-1])
    return TrainingHistory(losses=tuple(losses), learning_rates=tuple(rates))


def learning_rate(recipe: Recipe, step: int, num_steps: int) -> float:
    """Return the rate of `step`, from 0: linear up to the peak, then half a cosine that ends near zero."""
    warmup_steps = max(1, round(recipe.warmup_share * num_steps))
    if step < warmup_steps:
        return recipe.peak_learning_rate * (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, num_steps - warmup_steps)
    return recipe.peak_learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


def _finite(loss: float, *, seed: int, epoch: int, recipe: Recipe) -> float:
    if math.isfinite(loss):
        return loss
    raise Diverged(
        f"the mean loss of epoch {epoch} of {recipe.epochs} was {loss} (seed {seed}, recipe {recipe.name}): "
        f"lower its peak_learning_rate ({recipe.peak_learning_rate}) or lengthen its warm-up"
    )


def predict(model: nn.Module, split: Resident, *, precision: Precision) -> Tensor:
    """Return the predicted class of every image of `split`, int64 (count,); the model ends in eval mode."""
    model.eval()
    device_type = split.images.device.type
    with torch.inference_mode(), torch.autocast(device_type, torch.bfloat16, enabled=precision == "bf16"):
        return torch.cat([model(images).argmax(dim=1) for images in split.in_order(PREDICT_BATCH)])
