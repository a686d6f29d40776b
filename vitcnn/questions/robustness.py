"""Robustness: how much of its accuracy does a model keep on corrupted test images?

One round of the clock is one seed's answers about all corrupted test images; it was trained before. Every architecture
and seed sees the same corrupted images: they are corrupted at the task's own resolution, by draws that only their
places decide, before they are shrunk for a model that works at a smaller one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vitcnn.questions.question import Question
from vitcnn.record import Series
from vitcnn.record.answers import TIMES_RIGHT, UNDER_SHIFT
from vitcnn.report.plots.curves import robustness_curves
from vitcnn.report.robustness import robustness
from vitcnn.spec import TrainedCase

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vitcnn.bench import Bench
    from vitcnn.bench.seeds import Pupil, SeedResult
    from vitcnn.bench.setup import Setup
    from vitcnn.bench.subject import Subject, Trained
    from vitcnn.corruptions import Corruption

BATCH_BYTES = 64 << 20
"""Bytes of grey levels, as floats, that are corrupted together: it bounds the memory that large images take."""

NUM_IMAGES_TO_COUNT = 8
"""Test images of the counting pass."""


@dataclass(frozen=True, kw_only=True)
class RobustnessCase(TrainedCase):
    """Test accuracy under corruption of the test images, at five severities each, after training by `recipe`."""

    question: ClassVar[str] = "robustness"


def prepare(case: RobustnessCase, bench: Bench) -> Subject:
    """Return the subject whose run asks one trained seed about the corrupted test images."""
    import torch

    from vitcnn.bench.models import WEIGHTS_SEED
    from vitcnn.bench.seeds import (
        Pupil,
        SeedRounds,
        epoch_teller,
        few_batches,
        new_model,
        result_of,
        seeds_of,
        subject_of,
        train_and_ask,
        train_seed,
        trained_of,
    )
    from vitcnn.bench.series import series_of
    from vitcnn.bench.setup import setup_of
    from vitcnn.corruptions import NUM_SEVERITIES, corruptions

    setup = setup_of(case, bench)
    kinds = list(corruptions().values())
    seeds = seeds_of(setup, bench)
    steps = setup.recipe.epochs + len(kinds)
    right: list[Tensor] = []
    warm_up_s = 0.0

    def begin(seed: int) -> Pupil:
        """Build and train the model, so that neither is timed."""
        pupil = Pupil(seed=seed, model=new_model(setup, seed), train=setup.train)
        told = epoch_teller(setup, bench, seed, more_steps=len(kinds))
        pupil.history = train_seed(setup, pupil.model, pupil.train, seed, after_epoch=told)
        pupil.model.eval()
        return pupil

    def run(pupil: Pupil) -> None:
        """Ask the model about all corrupted images; the answers stay on the device."""
        found = []
        for number, corruption in enumerate(kinds, 1):
            found.append(torch.cat([right_under(setup, pupil.model, corruption, b) for b in batches(setup)], dim=1))
            done = seeds.index(pupil.seed) * steps + setup.recipe.epochs + number
            text = f"seed {pupil.seed}: {number}/{len(kinds)} corruptions, {corruption.name}"
            bench.progress(done, len(seeds) * steps, text)
        right.append(torch.stack(found))

    def end(pupil: Pupil) -> SeedResult:
        """Ask the model about the images as they are, too."""
        assert pupil.history is not None
        right[-1] = right[-1].cpu()
        return result_of(setup, pupil.model, pupil.history)

    rounds = SeedRounds(seeds, begin=begin, run=run, end=end)

    def warm_up() -> tuple[int, int]:
        """Train and ask a throw-away model, under each corruption too."""
        nonlocal warm_up_s
        start = setup.device.timer()
        train_and_ask(setup, new_model(setup, seeds[0]), few_batches(setup))
        model = new_model(setup, seeds[0]).eval()
        for corruption in kinds:
            right_under(setup, model, corruption, next(batches(setup)))
        warm_up_s = setup.device.timer() - start
        return len(seeds), 1

    def counted() -> Callable[[], object]:
        """Build a model of its own and return its answers about few images under each corruption: no seed's."""
        model = new_model(setup, WEIGHTS_SEED).to(memory_format=setup.layout).eval()
        number, images, labels = next(batches(setup))
        few = number, images[:NUM_IMAGES_TO_COUNT], labels[:NUM_IMAGES_TO_COUNT]
        return lambda: [right_under(setup, model, corruption, few) for corruption in kinds]

    def outcome() -> Trained:
        return replace(trained_of(setup, rounds.results, warm_up_s), right_under=torch.stack(right).numpy())

    def series(trained: Trained) -> list[Series]:
        histories = [result.history for result in rounds.results]
        return [*series_of(trained, histories, setup.objective), *series_under_shift(trained)]

    return subject_of(
        setup,
        rounds,
        warm_up=warm_up,
        images_per_run=len(kinds) * NUM_SEVERITIES * len(setup.test),
        settings={**setup.settings(seeds), **described(kinds), "corrupted_together": batch_of(setup)},
        outcome=outcome,
        series=series,
        counted=counted,
    )


def described(kinds: Sequence[Corruption]) -> dict[str, Any]:
    """Return the corruptions as JSON values."""
    return {"corruptions": [{"name": c.name, "unit": c.unit, "severities": list(c.severities)} for c in kinds]}


def batch_of(setup: Setup) -> int:
    """Return how many test images are corrupted together, the same for every architecture."""
    from vitcnn.training.predict import PREDICT_BATCH

    floats = setup.data.test.images[0].size
    return min(PREDICT_BATCH, max(1, BATCH_BYTES // (4 * floats)))


def batches(setup: Setup) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Yield the number, the images, uint8, and the labels of each batch of the test part, on the device."""
    import torch

    test, together = setup.data.test, batch_of(setup)
    for number, start in enumerate(range(0, len(test.labels), together)):
        arrays = (array[start : start + together] for array in (test.images, test.labels))
        images, labels = (torch.from_numpy(array).to(setup.device.name) for array in arrays)
        yield number, images, labels


def right_under(setup: Setup, model: nn.Module, corruption: Corruption, batch: tuple[int, Tensor, Tensor]) -> Tensor:
    """Return which images the model gets right at each severity from 1, bool (severities, batch)."""
    import torch

    from vitcnn.corruptions import NUM_SEVERITIES, corrupted

    number, images, labels = batch
    worse = (corrupted(images, corruption, severity, seed=number) for severity in range(1, NUM_SEVERITIES + 1))
    return torch.stack([setup.objective.score(answers(setup, model, each), labels) for each in worse])


def answers(setup: Setup, model: nn.Module, images: Tensor) -> Tensor:
    """Return the model's answers, (batch,), about images, uint8 (batch, channels, px, px), of the task's resolution."""
    from vitcnn.images import normalize, shrunk
    from vitcnn.training.predict import confidences

    found = confidences(
        model,
        normalize(shrunk(images, setup.shape.px)),
        precision=setup.case.precision,
        layout=setup.layout,
        objective=setup.objective,
        test_time=setup.recipe.test_time,
    )
    return setup.objective.answers(found)


def series_under_shift(trained: Trained) -> list[Series]:
    """Return the accuracy under each corruption at each severity, 0 being none, and how often each image was right."""
    from vitcnn.bench.series import nested
    from vitcnn.metrics.robustness import accuracies_under_shift

    assert trained.right_under is not None
    times = trained.right_under.sum(axis=(1, 2))
    axes = ("seed", "corruption", "severity")
    return [
        Series(name=UNDER_SHIFT, unit="1", axes=axes, values=nested(accuracies_under_shift(trained))),
        Series(name=TIMES_RIGHT, unit="1", axes=("seed", "image"), values=nested(np.asarray(times))),
    ]


ROBUSTNESS = Question(
    name="robustness",
    case=RobustnessCase,
    prepare=prepare,
    provides=frozenset({"answers under shift", "counts", "allocations"}),
    place=30,
    section=robustness,
    drawings={"robustness": robustness_curves},
)
