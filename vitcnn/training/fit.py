"""Trains a module by a recipe, and keeps snapshots of the weights, whose accuracy is computed afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Generator, Tensor, nn

from vitcnn.device import Device
from vitcnn.errors import Diverged
from vitcnn.recipes import Recipe
from vitcnn.spec import Mode, Precision
from vitcnn.training.augment import augment
from vitcnn.training.objectives import CLASSIFICATION, Objective
from vitcnn.training.optimizers import optimizers
from vitcnn.training.source import Source
from vitcnn.training.step import TrainingStep, is_frozen

BLOCK_BYTES = {"cpu": 1 << 20, "cuda": 16 << 20}
"""Bytes of images that are augmented together: on a CPU what its cache holds, on a GPU what hides the launches."""

NUM_IMAGES_TO_INITIALIZE = 2_000
"""Training images, the first, that a layer's initialisation may see."""

Weights = dict[str, Tensor]


@runtime_checkable
class InitializedFromImages(Protocol):
    """A layer that reads pixels and whose weights depend on what the images are like."""

    def initialize_from(self, images: Tensor) -> None:
        """Set the weights by `images`, normalised floats (count, channels, px, px), on the layer's device."""


@dataclass(frozen=True, kw_only=True)
class TrainingHistory:
    """How training went: of each epoch the mean loss, the last learning rate, and when it ended, in seconds.

    `snapshots` holds what training changed, by name, at the end of some epochs, counted from 1.
    """

    losses: tuple[float, ...]
    learning_rates: tuple[float, ...]
    epoch_ends_s: tuple[float, ...]
    snapshots: dict[int, Weights]


def fit(
    model: nn.Module,
    train: Source,
    *,
    recipe: Recipe,
    device: Device,
    layout: torch.memory_format,
    precision: Precision,
    mode: Mode,
    seed: int,
    objective: Objective = CLASSIFICATION,
    keep: Collection[int] = (),
    after_epoch: Callable[[int, float], None] = lambda _epoch, _loss: None,
) -> TrainingHistory:
    """Train `model`, in place, on `train`; same seed, same machine, same result.

    The host waits for the device once an epoch, to read the mean loss; Diverged where it is not finite. Only parameters
    that require gradients train, and modules whose parameters are all frozen stay in eval mode. `keep` names epochs,
    from 1, whose weights are kept; `after_epoch` is told the epoch and its loss.
    """
    start = device.timer()
    model = model.to(device.name).to(memory_format=layout)
    initialize(model, train)
    updating = optimizers(model, recipe.optimizer)
    step = TrainingStep(
        model,
        updating,
        device=device,
        layout=layout,
        precision=precision,
        mode=mode,
        objective=objective,
        label_smoothing=recipe.label_smoothing,
    )
    generator = torch.Generator(device.name).manual_seed(seed)
    steps_per_epoch = num_batches(train, recipe)
    num_steps = recipe.epochs * steps_per_epoch
    kept_names = trained_names(model) if keep else []
    losses, rates, ends, snapshots = [], [], [], {}
    for epoch in range(recipe.epochs):
        total = torch.zeros((), device=device.name)
        for index, (images, targets) in enumerate(batches(train, recipe, generator, epoch), epoch * steps_per_epoch):
            share = rate_share(recipe, index, num_steps)
            for group in (group for optimizer in updating for group in optimizer.param_groups):
                group["lr"] = share * group["peak"]
            total += step(images, targets)
        losses.append(_finite(total.item() / steps_per_epoch, seed=seed, epoch=epoch + 1, recipe=recipe))
        rates.append(share * recipe.peak_learning_rate)
        ends.append(device.timer() - start)
        if epoch + 1 in keep:
            state = model.state_dict()
            snapshots[epoch + 1] = {name: state[name].detach().clone() for name in kept_names}
        after_epoch(epoch + 1, losses[-1])
    return TrainingHistory(
        losses=tuple(losses), learning_rates=tuple(rates), epoch_ends_s=tuple(ends), snapshots=snapshots
    )


def initialize(model: nn.Module, train: Source) -> None:
    """Show the first training images, as they are, to each layer that is initialised from images."""
    for layer in model.modules():
        if isinstance(layer, InitializedFromImages):
            layer.initialize_from(next(train.in_order(NUM_IMAGES_TO_INITIALIZE)))


def trained_names(model: nn.Module) -> list[str]:
    """Return the names of what training changes: parameters that require gradients, buffers of what is not frozen."""
    parameters = dict(model.named_parameters())
    frozen = tuple(f"{name}." for name, module in model.named_modules() if name and is_frozen(module))
    return [
        name
        for name in model.state_dict()
        if (parameters[name].requires_grad if name in parameters else not name.startswith(frozen))
    ]


def num_batches(train: Source, recipe: Recipe) -> int:
    """Return how many batches an epoch has: whole ones, or one smaller one where there are fewer images."""
    return max(1, len(train) // recipe.batch)


def batches(train: Source, recipe: Recipe, generator: Generator, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield an epoch of augmented batches in random order; the images left over sit this epoch out.

    Several batches are augmented as one block.
    """
    count = min(len(train), num_batches(train, recipe) * recipe.batch)
    bytes_per_batch = train.bytes_per_sample * recipe.batch
    block = recipe.batch * max(1, BLOCK_BYTES[generator.device.type] // bytes_per_batch)
    for raw in train.shuffled(count, block, generator, epoch):
        yield from augment(raw, recipe.augmentation, generator).batches(recipe.batch)


def rate_share(recipe: Recipe, step: int, num_steps: int) -> float:
    """Return the share of the peak learning rate at `step`, from 0: linear up to 1, then down as the recipe says."""
    warmup_steps = max(1, round(recipe.warmup_share * num_steps))
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if recipe.decay == "steps":
        return float(0.1 ** sum(step >= round(at * num_steps) for at in recipe.steps_at))
    progress = (step - warmup_steps) / max(1, num_steps - warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * progress)) if recipe.decay == "cosine" else 1 - progress


def _finite(loss: float, *, seed: int, epoch: int, recipe: Recipe) -> float:
    if math.isfinite(loss):
        return loss
    raise Diverged(
        f"the mean loss of epoch {epoch} of {recipe.epochs} was {loss} (seed {seed}, recipe {recipe.name}): "
        f"lower its peak_learning_rate ({recipe.peak_learning_rate}) or lengthen its warm-up"
    )
