"""Weights that are made here: an architecture is trained on a task, and its weights are kept for whoever starts there.

They lie in `weights/` below the data root, under a hash of all that made them. A GPU does not repeat bits, so that hash
is their identity, and not their bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from vitcnn.adaptation.parts import core_of
from vitcnn.adaptation.weights import save
from vitcnn.bench.bench import Bench
from vitcnn.bench.models import placed, random_model
from vitcnn.device import Device
from vitcnn.errors import UserError
from vitcnn.folders import write_whole
from vitcnn.inference.forward import memory_format
from vitcnn.recipes import Recipe, recipe, recipe_for
from vitcnn.spec import Architecture, InputShape, Precision, Task
from vitcnn.training import CLASSIFICATION, OBJECTIVES, fit, predict

FOLDER = "weights"
SEED = 0
NAMED_DIGITS = 12
"""Hexadecimal digits of the hash in a file's name."""


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """Weights that were made here: where they lie, how they were made, and what they reached on their own task."""

    path: Path
    made_as: str
    card: Mapping[str, Any]

    @property
    def accuracy(self) -> float:
        """Test accuracy on the task that they were trained on."""
        return float(self.card["test_accuracy"])

    @property
    def training_time_s(self) -> float:
        """Seconds of training."""
        return float(self.card["training_time_s"])


def precision_on(device: Device) -> Precision:
    """Return the precision of pretraining: bf16 where it is fast."""
    return "bf16" if device.is_cuda else "fp32"


def default_recipe(entry: Architecture, task: Task) -> Recipe:
    """Return the recipe of the task's set that suits an architecture, for one epoch: that gives features."""
    return recipe(f"{recipe_for(task, entry).name},epochs=1")


def pretrained(entry: Architecture, task: Task, bench: Bench, by: Recipe | None = None) -> Pretrained:
    """Return the weights of `entry` trained on `task` by the default recipe, or `by` another; train where need be.

    MissingData where the task's data cannot be had, UserError where a file that is kept was changed.
    """
    chosen = by or default_recipe(entry, task)
    data = bench.tasks.data(task.name, bench.progress)
    how = settings(entry, task, chosen, bench.device, data.sha256)
    made_as = hashlib.sha256(json.dumps(how, sort_keys=True).encode()).hexdigest()
    path = bench.tasks.data_root / FOLDER / f"{_file_name(entry, task)}-{made_as[:NAMED_DIGITS]}.safetensors"
    card = _kept(path, made_as)
    if card is None:
        card = {**_train(entry, task, chosen, bench, path), "made_as": made_as, "how": how}
        write_whole(path.with_suffix(".json"), json.dumps(card, indent=1))
    return Pretrained(path=path, made_as=made_as, card=card)


def settings(entry: Architecture, task: Task, by: Recipe, device: Device, data_sha256: str) -> dict[str, Any]:
    """Return all that makes the weights what they are, as JSON values."""
    return {
        "architecture": entry.name,
        "parameters": entry.num_parameters,
        "task": task.name,
        "shape": asdict(task.shape),
        "data_sha256": data_sha256,
        "recipe": {name: value for name, value in asdict(by).items() if name != "source"},
        "seed": SEED,
        "device": device.kind,
        "precision": precision_on(device),
        "versions": {name: version(name) for name in ("vitcnn", "torch", "timm")},
    }


def require_can_be_made(task: Task) -> None:
    """Raise UserError where weights cannot be trained on a task: it is not classification of images."""
    if task.kind != "image" or OBJECTIVES[task.objective] != CLASSIFICATION:
        do = "Name for example glyphs62 or shapes."
        raise UserError(field="weights", value=task.name, allowed="tasks of one image as input, and classes", do=do)


def _file_name(entry: Architecture, task: Task) -> str:
    readable = "".join(c if c.isalnum() or c in "_-" else "-" for c in f"{entry.name}-{task.name}")
    return readable[:80]


def _kept(path: Path, made_as: str) -> dict[str, Any] | None:
    """Return the card of weights that are kept whole; None where there are none."""
    try:
        card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_whole = isinstance(card, dict) and card.get("made_as") == made_as and path.is_file()
    return card if is_whole and card.get("bytes") == path.stat().st_size else None


def _train(entry: Architecture, task: Task, by: Recipe, bench: Bench, path: Path) -> dict[str, Any]:
    """Train, keep the weights at `path`, and return what came of it."""
    require_can_be_made(task)
    data, device = bench.tasks.data(task.name, bench.progress), bench.device
    shape = _model_shape(entry, task)
    model = random_model(entry, shape, device, SEED)
    how = {"layout": memory_format(entry), "precision": precision_on(device), "objective": CLASSIFICATION}

    def tell(epoch: int, loss: float) -> None:
        text = f"pretraining {entry.name} on {task.name}: {epoch}/{by.epochs} epochs, loss {loss:.3f}"
        bench.progress(epoch, by.epochs, text)

    train, test = (placed(split, shape, device) for split in (data.train, data.test))
    history = fit(
        model,
        train,
        recipe=by,
        device=device,
        mode="eager",
        seed=SEED,
        after_epoch=tell,
        **how,  # type: ignore[arg-type]
    )
    found = predict(model, test, test_time=by.test_time, **how)  # type: ignore[arg-type]
    save(core_of(model), path)
    return {
        "test_accuracy": CLASSIFICATION.accuracy(found, torch.from_numpy(data.test.labels)),
        "training_time_s": history.epoch_ends_s[-1],
        "num_train_images": len(train),
        "num_test_images": len(test),
        "bytes": path.stat().st_size,
    }


def _model_shape(entry: Architecture, task: Task) -> InputShape:
    """Return the shape of the images that a model trains on: the task's, shrunk where it works at a smaller size."""
    return replace(task.shape, px=min(task.shape.px, entry.model_px(task.shape.px)))
