"""Adapts a model once, by the functions of the benchmark, and keeps it: what `vitcnn adapt` does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from vitcnn.adaptation.adapt import num_trainable
from vitcnn.adaptation.files import exported
from vitcnn.architectures.parts import num_parameters
from vitcnn.bench.bench import Bench
from vitcnn.bench.few import few_images_setup
from vitcnn.bench.seeds import epoch_teller, few_batches, new_model, result_of, train_and_ask, train_seed
from vitcnn.bench.setup import Setup, setup_of, without_folder
from vitcnn.folders import sha256_of_file
from vitcnn.images import Rescale
from vitcnn.intervals import Interval, accuracy_interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from vitcnn.spec import TrainedCase
    from vitcnn.training import Source

VALUES = "floats, black 0 and white 1, less mean, by std, of each channel"
BYTES_OF_A_NUMBER = 4


@dataclass(frozen=True, kw_only=True)
class Adapted:
    """A model that was adapted with one seed: what it reached on the test part, and how long its training took."""

    setup: Setup
    seed: int
    model: nn.Module
    num_train_images: int
    accuracy: Interval
    training_time_s: float

    @property
    def num_trainable(self) -> int:
        """Parameters that trained."""
        return num_trainable(self.setup.meta_model)

    @property
    def num_parameters(self) -> int:
        """Parameters of the adapted model, those of the updates included."""
        return num_parameters(self.setup.meta_model)


def ready_to_adapt(case: TrainedCase, bench: Bench, num_train: int | None) -> tuple[Setup, Callable[[int], Source]]:
    """Return the setup of a case, and what images a seed trains on; everything that can be refused is refused here."""
    if num_train is not None:
        return few_images_setup(case, bench, num_train)
    setup = setup_of(case, bench)
    return setup, lambda _seed: setup.train


def adapt(setup: Setup, train_of: Callable[[int], Source], bench: Bench) -> Adapted:
    """Train the one seed of a case, and ask it about the test part.

    A throw-away training on few images comes first, as in the suite: its time holds no costs of first calls.
    """
    seed = bench.seed_block
    train_and_ask(setup, new_model(setup, seed), few_batches(setup))
    model, train = new_model(setup, seed), train_of(seed)
    history = train_seed(setup, model, train, seed, after_epoch=epoch_teller(setup, bench, seed))
    confidences = result_of(setup, model, history).confidences
    labels = torch.from_numpy(setup.data.test.labels)
    right = setup.objective.score(setup.objective.answers(confidences), labels)
    return Adapted(
        setup=setup,
        seed=seed,
        model=model,
        num_train_images=len(train),
        accuracy=accuracy_interval(right.numpy()[None]),
        training_time_s=history.epoch_ends_s[-1],
    )


def card_of(found: Adapted) -> dict[str, Any]:
    """Return what a reader needs to use the adapted model and to judge it, as JSON values; it holds no path."""
    setup = found.setup
    model_px = setup.architecture.model_px(setup.task.shape.px)
    return {
        "made_by": f"vitcnn {version('vitcnn')}",
        "architecture": setup.architecture.name,
        "adaptation": str(setup.adaptation),
        "data": {
            "task": setup.task.name,
            "sha256": setup.data.sha256,
            "num_classes": setup.shape.num_classes,
            "classes": list(setup.task.classes),
            "num_train_images": found.num_train_images,
            "num_test_images": len(setup.test),
        },
        "images": {
            "px": setup.shape.px,
            "channels": setup.shape.channels,
            "model_px": model_px,
            "values": VALUES,
            **_mean_and_std(found.model, setup.shape.channels),
        },
        "weights": {**_weights(setup), **{key: setup.weights[key] for key in ("hub",) if key in setup.weights}},
        "settings": {
            "recipe": {**asdict(setup.recipe), "weights": without_folder(setup.recipe.weights)},
            "precision": setup.case.precision,
            "seed": found.seed,
            "device": setup.device.kind,
            "versions": {name: version(name) for name in ("vitcnn", "torch", "timm", "peft")},
        },
        "results": {
            "test_accuracy": found.accuracy.estimate,
            "test_accuracy_95": [found.accuracy.low, found.accuracy.high],
            "training_time_s": found.training_time_s,
            "num_trainable": found.num_trainable,
            "num_parameters": found.num_parameters,
            "trained_bytes": BYTES_OF_A_NUMBER * found.num_trainable,
            "file_bytes": sum(tensor.nbytes for tensor in exported(found.model, setup.adaptation).values()),
        },
    }


def _mean_and_std(model: nn.Module, channels: int) -> Mapping[str, list[float]]:
    """Return by what the architecture's own module wants images normalised."""
    found = next((module for module in model.modules() if isinstance(module, Rescale)), None)
    if found is None:
        return {"mean": [0.5] * channels, "std": [0.5] * channels}
    return {"mean": found.mean, "std": found.std}


def _weights(setup: Setup) -> dict[str, str]:
    """Return the name of the weights that training started from, and of their file its name and SHA-256."""
    name, path = without_folder(setup.recipe.weights), setup.weights_path
    if path is None:
        return {"name": name, "file": "", "sha256": ""}
    return {"name": name, "file": path.name, "sha256": sha256_of_file(path)}
