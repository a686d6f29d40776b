"""Trains and tests the seeds of a case, each in its turn.

Nothing is tested while the clock runs: the weights after each epoch are kept and tested afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vitcnn.adaptation.adapt import adapted, require_used
from vitcnn.adaptations import Lora
from vitcnn.bench.bench import Bench
from vitcnn.bench.kept import IMAGES_TO_COMPARE, require_kept
from vitcnn.bench.learner import learner_of
from vitcnn.bench.models import IMAGES_TO_TRY, WEIGHTS_SEED, random_model
from vitcnn.bench.setup import Setup
from vitcnn.bench.subject import Trained
from vitcnn.bench.untrained import require_unchanged
from vitcnn.training import Source, TrainingHistory, fit, predict

NUM_BATCHES_TO_COUNT = 2
"""Training batches of the counting pass: the first step of an optimiser, and one that is like all others."""

Findings = Mapping[str, np.ndarray]
"""What a question asks a trained model besides its answers about the test part, by name."""


def new_model(setup: Setup, seed: int) -> nn.Module:
    """Build the model of a seed: its head is random, and all else but for weights that the recipe starts from.

    Only what its adaptation says requires gradients.
    """
    model = adapted(random_model(setup.weighted, setup.shape, setup.device, seed), setup.adaptation)
    if isinstance(setup.adaptation, Lora):
        require_used(model, next(setup.test.in_order(IMAGES_TO_TRY)))
    return model


def train_seed(setup: Setup, model: nn.Module, train: Source, seed: int, **settings: Any) -> TrainingHistory:
    """Train `model`, in place, as the case says; `settings` are those of `fit` that differ.

    Where the head alone trains, its features are computed first; that is part of the time.
    """
    learner, start = learner_of(setup, model), setup.device.timer()
    seen = learner.to_train_on(train, seed)
    needed_s = setup.device.timer() - start
    history = fit(
        learner.module,
        seen,
        recipe=learner.recipe,
        objective=setup.objective,
        device=setup.device,
        layout=learner.layout,
        precision=setup.case.precision,
        mode=setup.case.mode,
        seed=seed,
        **settings,
    )
    return replace(history, epoch_ends_s=tuple(needed_s + end for end in history.epoch_ends_s))


def ask(setup: Setup, model: nn.Module, split: Source) -> Tensor:
    """Return the model's confidences about every image of `split`, float32 (count, ...), on the host."""
    return predict(model, split, **setup.asked_by)


@dataclass(frozen=True, kw_only=True)
class SeedResult:
    """What came of one seed: how its training went, its confidences at the end, its accuracy at each tested epoch.

    `findings` are what a question asked it besides.
    """

    history: TrainingHistory
    confidences: Tensor
    accuracies: tuple[float, ...]
    findings: Findings


def nothing_more(_model: nn.Module) -> Findings:
    """Ask a trained model nothing besides."""
    return {}


def result_of(
    setup: Setup,
    model: nn.Module,
    history: TrainingHistory,
    asked_besides: Callable[[nn.Module], Findings] = nothing_more,
) -> SeedResult:
    """Ask a trained model about the test part, and what it was after each epoch whose weights were kept.

    CaseError where a user's model would answer otherwise once it was saved and loaded again.
    """
    labels = torch.from_numpy(setup.data.test.labels)
    learner = learner_of(setup, model)
    about, asked_by = learner.to_answer(setup.test), {**setup.asked_by, "layout": learner.layout}
    last, findings = predict(learner.module, about, **asked_by), asked_besides(model)
    accuracies = []
    for weights in history.snapshots.values():
        learner.module.load_state_dict(weights, strict=False)
        accuracies.append(setup.objective.accuracy(predict(learner.module, about, **asked_by), labels))
    history.snapshots.clear()
    if setup.weighted.file:
        few = setup.test.first(IMAGES_TO_COMPARE)
        require_kept(setup.weighted.name, model, new_model(setup, WEIGHTS_SEED), lambda found: ask(setup, found, few))
    return SeedResult(
        history=history,
        confidences=last,
        accuracies=(*accuracies, setup.objective.accuracy(last, labels)),
        findings=findings,
    )


def trained_of(setup: Setup, results: Sequence[SeedResult], warm_up_s: float) -> Trained:
    """Return what all seeds came to; CaseError where they were not independent."""
    require_unchanged(setup.weighted, setup.shape, setup.untrained)
    confidences = torch.stack([result.confidences for result in results])
    labels = torch.from_numpy(setup.data.test.labels)
    predictions = torch.stack([setup.objective.answers(seed) for seed in confidences])
    losses = [setup.objective.losses(seed, labels).double().mean() for seed in confidences]
    ends = [[result.history.epoch_ends_s[epoch - 1] for epoch in setup.tested_epochs] for result in results]
    return Trained(
        labels=setup.data.test.labels,
        confidences=confidences.numpy(),
        predictions=predictions.numpy(),
        scores=torch.stack([setup.objective.score(seed, labels) for seed in predictions]).numpy(),
        epochs=setup.tested_epochs,
        accuracies=np.array([result.accuracies for result in results]),
        ends_s=np.array(ends),
        target_accuracy=setup.task.target_accuracy,
        warm_up_s=warm_up_s,
        losses=torch.stack(losses).numpy(),
        findings={name: np.stack([result.findings[name] for result in results]) for name in results[0].findings},
    )


def few_batches(setup: Setup) -> Source:
    """Return the first two batches of the training images."""
    return setup.train.first(NUM_BATCHES_TO_COUNT * setup.recipe.batch)


def train_and_ask(setup: Setup, model: nn.Module, few: Source) -> None:
    """Train `model` on few images and ask it about them, so that first-call costs are not the first seed's."""
    train_seed(replace(setup, recipe=replace(setup.recipe, epochs=1)), model, few, 0)
    ask(setup, model, few)


def counted(setup: Setup) -> Callable[[], object]:
    """Build a model of its own and return its training on few images and its answers about them: no seed's."""
    model, few = new_model(setup, WEIGHTS_SEED), few_batches(setup)
    return lambda: train_and_ask(setup, model, few)


def seeds_of(setup: Setup, bench: Bench) -> range:
    """Return the seeds of the case in the bench's block."""
    first = bench.seed_block * setup.case.num_seeds
    return range(first, first + setup.case.num_seeds)


def epoch_teller(setup: Setup, bench: Bench, seed: int, more_steps: int = 0) -> Callable[[int, float], None]:
    """Return what says, after each epoch of a seed, how far all seeds have come.

    `more_steps` are what a seed tells of besides its epochs.
    """
    seeds, steps = seeds_of(setup, bench), setup.recipe.epochs + more_steps

    def tell(epoch: int, loss: float) -> None:
        done = seeds.index(seed) * steps + epoch
        bench.progress(done, len(seeds) * steps, f"seed {seed}: {epoch}/{setup.recipe.epochs} epochs, loss {loss:.3f}")

    return tell


@dataclass(kw_only=True)
class Pupil:
    """A seed in its turn: its model, the images that it trains on, and how that went."""

    seed: int
    model: nn.Module
    train: Source
    history: TrainingHistory | None = None


def trained_pupil(setup: Setup, bench: Bench, seed: int, train: Source, *, more_steps: int = 0) -> Pupil:
    """Build and train the model of a seed before its round, so that neither is timed; `more_steps` are the teller's."""
    pupil = Pupil(seed=seed, model=new_model(setup, seed), train=train)
    told = epoch_teller(setup, bench, seed, more_steps)
    pupil.history = train_seed(setup, pupil.model, pupil.train, seed, after_epoch=told)
    return pupil
