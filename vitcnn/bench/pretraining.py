"""Weights that are made here: an architecture is trained on a task, and its weights are kept for whoever starts there.

They lie in `weights/` below the data root, under a hash of all that made them. A GPU does not repeat bits, so that hash
is their identity, and not their bytes. What came of the training stands in the header of the same file, so that it is
written with the weights or not at all.
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
from safetensors import SafetensorError
from safetensors.torch import load_file

from vitcnn.adaptation.weights import save
from vitcnn.adaptation.weights_file import FOLDER, WeightsFile
from vitcnn.bench.bench import Bench
from vitcnn.bench.models import placed, random_model
from vitcnn.bench.obstacles import can_be_made
from vitcnn.bench.untrained import sum_by_name, untrained_sha256
from vitcnn.device import Device
from vitcnn.errors import UserError
from vitcnn.folders import require_writable
from vitcnn.images import core_of
from vitcnn.imported_code import code_sha256, our_code_sha256
from vitcnn.inference.forward import memory_format
from vitcnn.recipes import Recipe, recipe, recipe_for
from vitcnn.record import UNTRAINED
from vitcnn.spec import Architecture, InputShape, Precision, Task
from vitcnn.training import CLASSIFICATION, fit, predict
from vitcnn.working_tree import contents

SEED = 0
CARD = "card"
"""Where the header of a file says what came of the training, as JSON."""

MEANING = ("task", "data_sha256", "recipe", "model_px", "seed")
"""What gives the weights their meaning. Code, versions and device make them too, and are judged by what they make."""

NAMED_DIGITS = 12
"""Hexadecimal digits of the hash in a file's name."""

NUM_STATES = 8
"""So many weights of a user's model on a task are kept."""


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
    def made_by(self) -> dict[str, Any]:
        """What the weights mean, whatever code made them."""
        return {name: self.card["how"][name] for name in MEANING}

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

    UserError where weights cannot be trained on the task, MissingData where its data cannot be had.
    """
    planned = plan(entry, task, bench, by)
    found = kept(planned)
    if found is None:
        _train(planned, bench)
        found = kept(planned)
        assert found is not None, "what was just written is whole"
    return found


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Weights that can be made here: of what, on what, how, and where they are kept. `how` makes their identity."""

    architecture: Architecture
    task: Task
    recipe: Recipe
    path: Path
    made_as: str
    how: Mapping[str, Any]


def plan(entry: Architecture, task: Task, bench: Bench, by: Recipe | None = None) -> Plan:
    """Return what would be made, and where it is kept; trains nothing. UserError and MissingData as `pretrained`."""
    require_can_be_made(task)
    chosen = by or default_recipe(entry, task)
    data = bench.tasks.data(task.name, bench.progress)
    how = settings(entry, task, chosen, bench.device, data.sha256)
    made_as = hashlib.sha256(json.dumps(how, sort_keys=True).encode()).hexdigest()
    path = bench.tasks.data_root / FOLDER / f"{_file_name(entry, task)}-{made_as[:NAMED_DIGITS]}.safetensors"
    return Plan(architecture=entry, task=task, recipe=chosen, path=path, made_as=made_as, how=how)


def kept(planned: Plan) -> Pretrained | None:
    """Return weights that were made before and are whole; None where there are none, or they are damaged."""
    path = planned.path
    if not path.is_file():
        return None
    try:
        card = json.loads(WeightsFile.read("weights", path).header.get(CARD, "{}"))
        is_whole = card.get("made_as") == planned.made_as and card.get("tensors_sha256") == sum_by_name(load_file(path))
    except (UserError, SafetensorError, OSError, ValueError):
        return None
    return Pretrained(path=path, made_as=planned.made_as, card=card) if is_whole else None


def settings(entry: Architecture, task: Task, by: Recipe, device: Device, data_sha256: str) -> dict[str, Any]:
    """Return all that makes the weights what they are, as JSON values."""
    return {
        "architecture": entry.name,
        "parameters": entry.num_parameters,
        "code_sha256": code_sha256(Path(entry.file)) if entry.file else "",
        "repository": contents(Path(entry.file).parent) if entry.file else "",
        UNTRAINED: untrained_sha256(entry, _model_shape(entry, task)),
        "our_code_sha256": our_code_sha256(),
        "model_px": entry.model_px(task.shape.px),
        "task": task.name,
        "shape": asdict(task.shape),
        "data_sha256": data_sha256,
        "recipe": {name: value for name, value in asdict(by).items() if name not in ("name", "source")},
        "seed": SEED,
        "device": device.kind,
        "precision": precision_on(device),
        "versions": {name: version(name) for name in ("torch", "timm")},
    }


def require_can_be_made(task: Task) -> None:
    """Raise UserError where weights cannot be trained on a task: it is not classification of images."""
    if not can_be_made(task):
        do = "Name for example glyphs62 or shapes."
        raise UserError(field="weights", value=task.name, allowed="tasks of one image as input, and classes", do=do)


def _file_name(entry: Architecture, task: Task) -> str:
    readable = "".join(c if c.isalnum() or c in "_-" else "-" for c in f"{entry.name}-{task.name}")
    return readable[:80]


def _train(planned: Plan, bench: Bench) -> None:
    """Train, and keep the weights with what came of it; those that another process has kept meanwhile stay."""
    entry, task, by, device = planned.architecture, planned.task, planned.recipe, bench.device
    data, shape = bench.tasks.data(task.name, bench.progress), _model_shape(entry, task)
    require_writable("--data-root", planned.path.parent, "Name another folder with --data-root or $VITCNN_DATA.")
    model = random_model(entry, shape, device, SEED)
    how: dict[str, Any] = {"layout": memory_format(entry), "precision": precision_on(device)}
    train, test = (placed(split, shape, device) for split in (data.train, data.test))

    def tell(epoch: int, loss: float) -> None:
        text = f"pretraining {entry.name} on {task.name}: {epoch}/{by.epochs} epochs, loss {loss:.3f}"
        bench.progress(epoch, by.epochs, text)

    history = fit(model, train, recipe=by, device=device, mode="eager", seed=SEED, after_epoch=tell, **how)
    found = predict(model, test, objective=CLASSIFICATION, test_time=by.test_time, **how)
    card = {
        "made_as": planned.made_as,
        "how": planned.how,
        "test_accuracy": CLASSIFICATION.accuracy(found, torch.from_numpy(data.test.labels)),
        "training_time_s": history.epoch_ends_s[-1],
        "num_train_images": len(train),
        "num_test_images": len(test),
        "tensors_sha256": sum_by_name(core_of(model).state_dict()),
    }
    if kept(planned) is None:
        save(model, planned.path, **{CARD: json.dumps(card)})
        if entry.file:
            _forget_the_oldest(planned)


def _forget_the_oldest(planned: Plan) -> None:
    """Delete what older states of a user's model made, but for the newest: each commit makes new weights."""
    made = planned.path.parent.glob(f"{_file_name(planned.architecture, planned.task)}-{'[0-9a-f]' * NAMED_DIGITS}.*")
    newest_first = sorted(made, key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[NUM_STATES:]:
        path.unlink(missing_ok=True)


def _model_shape(entry: Architecture, task: Task) -> InputShape:
    """Return the shape of the images that a model trains on: the task's, shrunk where it works at a smaller size."""
    return replace(task.shape, px=min(task.shape.px, entry.model_px(task.shape.px)))
