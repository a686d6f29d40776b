"""Lets each round of the clock be one seed, and builds the subject of a case whose rounds are."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, Generic, TypeVar

from torch import nn

from vitcnn.bench.bench import Bench
from vitcnn.bench.ready_step import memory_of, traced_steps
from vitcnn.bench.seeds import (
    Findings,
    Pupil,
    SeedResult,
    counted,
    epoch_teller,
    few_batches,
    new_model,
    nothing_more,
    result_of,
    seeds_of,
    train_and_ask,
    train_seed,
    trained_of,
)
from vitcnn.bench.series import no_more_series, series_of
from vitcnn.bench.setup import Setup
from vitcnn.bench.subject import Subject, Trained
from vitcnn.record import Series
from vitcnn.training import Source

State = TypeVar("State")
Result = TypeVar("Result")


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
