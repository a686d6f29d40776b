"""Prepares what all seeds of a case that trains share: the data, the architecture, its weights and the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from vitcnn.adaptation.adapt import adapted, num_trainable
from vitcnn.adaptation.parts import backbone, require_linear_head
from vitcnn.adaptations import Adaptation, Full, Head, adaptation
from vitcnn.architectures import architecture
from vitcnn.architectures.parts import parameters_by_part
from vitcnn.bench.bench import Bench
from vitcnn.bench.models import IMAGES_TO_TRY, model_settings, placed
from vitcnn.bench.untrained import untrained_sha256
from vitcnn.bench.weights import at_px, weighted
from vitcnn.device import Device, spare_bytes
from vitcnn.errors import UserError
from vitcnn.inference.forward import compiled, memory_format
from vitcnn.recipes import Recipe, recipe
from vitcnn.recipes.parts import OF_FILE, Mix
from vitcnn.record import UNTRAINED
from vitcnn.spec import AdaptableCase, Architecture, Data, InputShape, Split, Task, TrainedCase
from vitcnn.training import CLASSIFICATION, OBJECTIVES, Objective, Source, Streamed, num_batches
from vitcnn.training.features import Features, features_of
from vitcnn.training.fit import trained_names

SNAPSHOT_BYTES = {"cpu": 1 << 30, "cuda": 8 << 30}
"""Memory for the weights that are kept to know the accuracy after each epoch; where it is short, of fewer epochs."""

FEATURES = "features"
"""The folder below the data root of features that do not fit into the memory."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A case that trains, with its data on the device.

    `weighted` builds the model of `architecture` with the weights that the recipe starts from; `weights` is what a
    record says of them, and `weights_path` the file in which they lie, None of random ones. `train` and `test` hold
    images of `shape`; `data` has them as the task has them. The accuracy is asked for after each of `tested_epochs`,
    counted from 1, the last one always. `meta_model` is the model without its weights, as it is adapted, and
    `untrained` what a user's model is before training, by `untrained_sha256`. Features that are too large for the
    memory lie below `data_root` while they are needed.
    """

    case: TrainedCase
    device: Device
    architecture: Architecture
    weighted: Architecture
    weights: Mapping[str, Any]
    weights_path: Path | None
    task: Task
    objective: Objective
    recipe: Recipe
    adaptation: Adaptation
    shape: InputShape
    layout: torch.memory_format
    data: Data
    train: Source
    test: Source
    tested_epochs: tuple[int, ...]
    meta_model: nn.Module
    untrained: str
    data_root: Path

    @property
    def asked_by(self) -> dict[str, Any]:
        """How a trained model is asked: the arguments of `predict` and `confidences` besides the model and images."""
        return {
            "precision": self.case.precision,
            "layout": self.layout,
            "objective": self.objective,
            "test_time": self.recipe.test_time,
        }

    def source(self, split: Split) -> Source:
        """Return images and labels where training can take them from, at the resolution that is trained on."""
        return placed(split, self.shape, self.device)

    def features(self, model: nn.Module, split: Source, *, views: int | None = None, seed: int = 0) -> Features:
        """Return the features of a split by all of `model` but its head, of as many views as the adaptation says.

        UserError where the head is not the last layer of the model.
        """
        assert isinstance(self.adaptation, Head), "features are what a head trains on"
        in_layout = model.to(memory_format=self.layout)
        require_linear_head(in_layout, next(split.in_order(IMAGES_TO_TRY)))
        return features_of(
            compiled(backbone(in_layout), self.case.mode),
            split,
            device=self.device,
            layout=self.layout,
            precision=self.case.precision,
            num_classes=self.shape.num_classes,
            recipe=self.recipe,
            views=self.adaptation.views if views is None else views,
            seed=seed,
            folder=self.data_root / FEATURES,
        )

    @property
    def images_per_seed(self) -> int:
        """Images that one seed trains on, again and again."""
        num_samples = min(len(self.train), num_batches(self.train, self.recipe) * self.recipe.batch)
        return round(self.recipe.epochs * num_samples * self.train.images_per_sample)

    def settings(self, seeds: range) -> dict[str, Any]:
        """Return what repeats the training, as JSON values; of a file of weights its name, and not where it lies."""
        plain = on_meta(self.architecture, self.shape)
        return {
            **model_settings(self.architecture, self.shape, plain),
            "parameters_by_part": parameters_by_part(plain),
            **self.weights,
            "num_trainable": num_trainable(self.meta_model),
            "seeds": list(seeds),
            "training": {**asdict(self.recipe), "weights": without_folder(self.recipe.weights)},
            "classes": list(self.task.classes),
            "task_px": self.task.shape.px,
            "target_accuracy": self.task.target_accuracy,
            "data_sha256": self.data.sha256,
            **self.data.settings,
            **({UNTRAINED: self.untrained} if self.untrained else {}),
            "train_images_on": "host" if isinstance(self.train, Streamed) else "device",
            "num_train_images": len(self.train),
            "num_test_images": len(self.test),
        }


def setup_of(
    case: TrainedCase,
    bench: Bench,
    *,
    by: Recipe | None = None,
    train: Split | None = None,
    tests_every_epoch: bool = False,
) -> Setup:
    """Return the setup of `case`, by its recipe or `by` another, on all training images or those of `train`.

    Images larger than the model works at are shrunk once, on the device; smaller ones are enlarged in each step.
    """
    task, trained_by = bench.tasks.task(case.task), by or recipe(case.recipe)
    require_mixable(trained_by, task)
    catalogued = at_px(architecture(case.architecture), trained_by, task)
    shape = replace(task.shape, px=min(task.shape.px, catalogued.model_px(task.shape.px)))
    how = adaptation(case.adaptation) if isinstance(case, AdaptableCase) else Full()
    require_views(how, trained_by)
    model = adapted(on_meta(catalogued, shape), how)
    data = bench.tasks.data(case.task, bench.progress)
    found = weighted(catalogued, trained_by.weights, task, bench)
    return Setup(
        case=case,
        device=bench.device,
        architecture=catalogued,
        weighted=found.architecture,
        weights=found.settings,
        weights_path=found.path,
        task=task,
        objective=OBJECTIVES[task.objective],
        recipe=trained_by,
        adaptation=how,
        shape=shape,
        layout=memory_format(catalogued),
        data=data,
        train=placed(train or data.train, shape, bench.device),
        test=placed(data.test, shape, bench.device),
        tested_epochs=tested_epochs(model, trained_by, bench.device) if tests_every_epoch else (trained_by.epochs,),
        meta_model=model,
        untrained=untrained_sha256(found.architecture, shape),
        data_root=bench.tasks.data_root,
    )


def without_folder(weights: str) -> str:
    """Return what weights a recipe starts from, of a file its name, and not where it lies."""
    return f"{OF_FILE}{Path(weights.removeprefix(OF_FILE)).name}" if weights.startswith(OF_FILE) else weights


def require_views(how: Adaptation, by: Recipe) -> None:
    """Raise UserError where a recipe asks of a head alone what features cannot give: mixed or mirrored images."""
    if not isinstance(how, Head):
        return
    do = "The head is trained and asked about features, which cannot be mixed or mirrored: choose another recipe."
    if any(isinstance(part, Mix) for part in by.augmentation) or by.test_time != "none":
        raise UserError(field="recipe", value=by.name, allowed=f"for {how}: no Mix and no test_time", do=do)


def require_mixable(by: Recipe, task: Task) -> None:
    """Raise UserError where a recipe mixes or smooths labels that are no classes of single images."""
    if task.kind == "image" and OBJECTIVES[task.objective] == CLASSIFICATION:
        return
    if by.label_smoothing or any(isinstance(part, Mix) for part in by.augmentation):
        do = f"The labels of {task.name} cannot be mixed or smoothed: choose another recipe."
        raise UserError(field="recipe", value=by.name, allowed="recipes without Mix and label_smoothing", do=do)


def on_meta(entry: Architecture, shape: InputShape) -> nn.Module:
    """Return the model without its weights: its size and its layers."""
    with torch.device("meta"):
        return entry.build(shape)


def tested_epochs(model: nn.Module, by: Recipe, device: Device) -> tuple[int, ...]:
    """Return the epochs, from 1, after which the weights are kept for a test: evenly spaced, the last one always."""
    state = model.state_dict()
    num_bytes = sum(state[name].nbytes for name in trained_names(model))
    room = min(SNAPSHOT_BYTES[device.kind], spare_bytes(device))
    count = min(by.epochs, max(1, room // max(1, num_bytes)))
    return tuple(dict.fromkeys(np.linspace(0, by.epochs, count + 1).round().astype(int).tolist()[1:]))
