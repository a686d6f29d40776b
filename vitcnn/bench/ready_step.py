"""A model of its own, no seed's, ready for one step of training: for what is measured or traced beside the seeds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor, nn

from vitcnn.bench.learner import learner_of
from vitcnn.bench.models import WEIGHTS_SEED
from vitcnn.bench.seeds import new_model
from vitcnn.bench.setup import Setup
from vitcnn.bench.subject import NamesPhase, Traced
from vitcnn.bench.training_memory import TrainingMemory, training_memory
from vitcnn.recipes import Recipe
from vitcnn.training import Source, TrainingStep, optimizers
from vitcnn.training.features import Features
from vitcnn.training.fit import batches


@dataclass(frozen=True, kw_only=True)
class ReadyStep:
    """A model of its own, no seed's, and the step that trains it on batches of the first images.

    `train` holds one batch: images, or features of the head alone, which take `features_bytes` for all images.
    """

    model: nn.Module
    step: TrainingStep
    train: Source
    recipe: Recipe
    generator: torch.Generator
    features_bytes: int | None

    def batch(self, epoch: int = 0) -> tuple[Tensor, Tensor]:
        """Return the batch as it is augmented in an epoch: images and targets."""
        return next(batches(self.train, self.recipe, self.generator, epoch))


def ready_step(setup: Setup) -> ReadyStep:
    """Build the model, and what trains it, as `train_seed` does."""
    model, one = new_model(setup, WEIGHTS_SEED), setup.train.first(setup.recipe.batch)
    learner = learner_of(setup, model)
    train = learner.to_train_on(one, WEIGHTS_SEED)
    trained = learner.module.to(memory_format=learner.layout)
    step = TrainingStep(
        trained,
        optimizers(trained, learner.recipe.optimizer),
        device=setup.device,
        layout=learner.layout,
        precision=setup.case.precision,
        mode=setup.case.mode,
        objective=setup.objective,
        label_smoothing=learner.recipe.label_smoothing,
    )
    return ReadyStep(
        model=model,
        step=step,
        train=train,
        recipe=learner.recipe,
        generator=torch.Generator(setup.device.name).manual_seed(WEIGHTS_SEED),
        features_bytes=train.bytes_of(len(setup.train)) if isinstance(train, Features) else None,
    )


def memory_of(setup: Setup) -> TrainingMemory:
    """Return what a model of its own, no seed's, holds while it trains on the first batch of the training images."""
    ready = ready_step(setup)
    images, targets = ready.batch()
    return training_memory(
        ready.model,
        lambda: ready.step(images, targets),
        ready.step.optimizers,
        features_bytes=ready.features_bytes,
    )


def traced_steps(setup: Setup, phase: NamesPhase) -> Traced:
    """Return the steps that a trace shows: each augments a batch and trains a model of its own, no seed's, on it."""
    ready, epochs = ready_step(setup), count()

    def run() -> Tensor:
        with phase("augment"):
            images, targets = ready.batch(next(epochs))
        return ready.step(images, targets)

    return Traced(run=run, images=len(ready.train))
