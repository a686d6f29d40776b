"""Trains and tests the seeds of a case, one in each round of the clock.

Nothing is tested while the clock runs: the weights after each epoch are kept and tested afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import count
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from vitcnn.adaptation.adapt import adapted, require_used
from vitcnn.adaptations import Lora
from vitcnn.bench.bench import Bench
from vitcnn.bench.learner import learner_of
from vitcnn.bench.models import IMAGES_TO_TRY, WEIGHTS_SEED, random_model
from vitcnn.bench.series import no_more_series, series_of
from vitcnn.bench.setup import Setup
from vitcnn.bench.subject import NamesPhase, Subject, Traced, Trained
from vitcnn.bench.training_memory import TrainingMemory, training_memory
from vitcnn.recipes import Recipe
from vitcnn.record import Series
from vitcnn.training import Source, TrainingHistory, TrainingStep, fit, optimizers, predict
from vitcnn.training.features import Features
from vitcnn.training.fit import batches

NUM_BATCHES_TO_COUNT = 2
"""Training batches of the counting pass: the first step of an optimiser, and one that is like all others."""

State = TypeVar("State")
Result = TypeVar("Result")

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
    """Ask a trained model about the test part, and what it was after each epoch whose weights were kept."""
    labels = torch.from_numpy(setup.data.test.labels)
    learner = learner_of(setup, model)
    about, asked_by = learner.to_answer(setup.test), {**setup.asked_by, "layout": learner.layout}
    last, findings = predict(learner.module, about, **asked_by), asked_besides(model)
    accuracies = []
    for weights in history.snapshots.values():
        learner.module.load_state_dict(weights, strict=False)
        accuracies.append(setup.objective.accuracy(predict(learner.module, about, **asked_by), labels))
    history.snapshots.clear()
    return SeedResult(
        history=history,
        confidences=last,
        accuracies=(*accuracies, setup.objective.accuracy(last, labels)),
        findings=findings,
    )


def trained_of(setup: Setup, results: Sequence[SeedResult], warm_up_s: float) -> Trained:
    """Return what all seeds came to."""
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


class SeedRounds(Generic[State, Result]):
    """One round of the clock is one seed: `begin` comes before it, `run` is timed, `end` comes after it.

    After the last seed the first has its turn again, for passes that are not timed.
    """

    def __init__(
        self,
        seeds: range,
        *,
        begin: Callable[[int], State],
        run: Callable[[State], None],
        end: Callable[[State], Result],
    ) -> None:
        self.seeds = seeds
        self.results: list[Result] = []
        self._begin, self._run, self._end = begin, run, end
        self._state: State | None = None

    def before_round(self) -> None:
        """Get the seed ready whose turn it is."""
        self._state = self._begin(self.seeds[len(self.results) % len(self.seeds)])

    def run(self) -> None:
        """Do what is timed."""
        assert self._state is not None, "before_round comes first"
        self._run(self._state)

    def after_round(self) -> None:
        """Keep what came of it, and let go of the rest."""
        assert self._state is not None, "before_round comes first"
        self.results.append(self._end(self._state))
        self._state = None


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


def trained_subject(
    setup: Setup,
    bench: Bench,
    *,
    train_of: Callable[[int], Source] | None = None,
    asked_besides: Callable[[nn.Module], Findings] = nothing_more,
    more_series: Callable[[Trained], list[Series]] = no_more_series,
) -> Subject:
    """Return the subject whose run trains one of the seeds, on the images that `train_of` draws for it, else on all.

    `asked_besides` asks each trained model what its answers about the test part do not say. `more_series` are what a
    record keeps besides the curves and the answers.
    """

    def begin(seed: int) -> Pupil:
        return Pupil(seed=seed, model=new_model(setup, seed), train=train_of(seed) if train_of else setup.train)

    def run(pupil: Pupil) -> None:
        told, keep = epoch_teller(setup, bench, pupil.seed), setup.tested_epochs[:-1]
        pupil.history = train_seed(setup, pupil.model, pupil.train, pupil.seed, keep=keep, after_epoch=told)

    def end(pupil: Pupil) -> SeedResult:
        assert pupil.history is not None
        return result_of(setup, pupil.model, pupil.history, asked_besides)

    rounds = SeedRounds(seeds_of(setup, bench), begin=begin, run=run, end=end)
    warm_up_s = 0.0

    def warm_up() -> tuple[int, int]:
        nonlocal warm_up_s
        start = setup.device.timer()
        train_and_ask(setup, new_model(setup, rounds.seeds[0]), few_batches(setup))
        warm_up_s = setup.device.timer() - start
        return len(rounds.seeds), 1

    def series(trained: Trained) -> list[Series]:
        histories = [result.history for result in rounds.results]
        return [*series_of(trained, histories, setup.objective), *more_series(trained)]

    return subject_of(
        setup,
        rounds,
        warm_up=warm_up,
        images_per_run=setup.images_per_seed,
        settings=setup.settings(rounds.seeds),
        outcome=lambda: trained_of(setup, rounds.results, warm_up_s),
        series=series,
        counted=lambda: counted(setup),
        traced=partial(traced_steps, setup),
        training_memory=cache(lambda: memory_of(setup)),
    )


def subject_of(setup: Setup, rounds: SeedRounds[Any, Any], **rest: Any) -> Subject:
    """Return the subject whose rounds are the seeds; `rest` is what else a Subject needs."""
    return Subject(
        case=setup.case,
        architecture=setup.architecture,
        device=setup.device,
        shape=setup.shape,
        run=rounds.run,
        before_round=rounds.before_round,
        after_round=rounds.after_round,
        **rest,
    )
