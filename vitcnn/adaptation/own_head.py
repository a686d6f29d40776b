"""Pretrained weights with the head that they were trained with, so that a model answers in the weights' own classes.

Weights to start from, in `vitcnn.adaptation.weights`, leave it out: there a task brings its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from vitcnn.adaptation.parts import classifier
from vitcnn.adaptation.weights import from_hub, hub_config, loaded_by_timm, misfit, rescaled, timm_can_load
from vitcnn.adaptation.weights_file import WeightsFile
from vitcnn.spec import Architecture, InputShape

COLOURS, GREY = 3, 1


@dataclass(frozen=True, kw_only=True)
class WithHead:
    """What builds an architecture with weights and their own head, for images of `shape`; `settings` say which."""

    architecture: Architecture
    shape: InputShape
    settings: Mapping[str, Any]


def hub_with_head(entry: Architecture, px: int) -> WithHead:
    """Return `entry` with the hub's weights and their classes, for colour images of `px`.

    Errors are those of `from_hub`: UserError, MissingData, UnsupportedResolution.
    """
    found = from_hub(entry, px)
    shape = InputShape(px=px, channels=COLOURS, num_classes=hub_config(entry).num_classes)
    return WithHead(architecture=found.architecture, shape=shape, settings=found.settings)


def file_with_head(entry: Architecture, path: Path, px: int) -> WithHead:
    """Return `entry` with the weights and the classes of a safetensors file in timm's layout, for images of `px`.

    It takes colour images, or grey ones where the first layer of the file does. The tensors fit as they are, or timm
    fits the positions. UserError where they do not, there is no head among them, or the file is cut off or none.
    """
    file = WeightsFile.read(f"weights of {entry.name}", path)
    as_asked = InputShape(px=px, channels=COLOURS, num_classes=_num_classes(entry, file, px))
    differing = ""
    for channels in (COLOURS, GREY):
        shape = replace(as_asked, channels=channels)
        misfits = _misfit(entry, file, replace(shape, px=entry.model_px(px)))
        differing = differing or misfits
        if not misfits:
            return _with_head(entry, file, shape, _as_they_are)
    if entry.hub and timm_can_load(entry, file):
        return _with_head(entry, file, as_asked, _by_timm)
    do = "Name weights of this architecture."
    raise file.refused(f"weights of {entry.name} for tiles of {px} px ({differing})", do)


def _with_head(entry: Architecture, file: WeightsFile, shape: InputShape, load: Any) -> WithHead:
    built = replace(entry, builder=partial(_of_file, entry, file, load))
    settings = {"weights": f"file:{file.path.name}", "weights_sha256": file.sha256}
    return WithHead(architecture=built, shape=shape, settings=settings)


def _num_classes(entry: Architecture, file: WeightsFile, px: int) -> int:
    """Return how many classes the head in a file has; UserError where there is none."""
    with torch.device("meta"), torch.random.fork_rng(devices=()):
        model = entry.builder(InputShape(px=entry.model_px(px), channels=COLOURS, num_classes=10))
    name = f"{classifier(model)[0]}.weight"
    if name not in file.shapes:
        do = "These weights have no classes of their own: train a head with `vitcnn adapt`, and use --adapted DIR."
        raise file.refused(f"weights of {entry.name} with their head ({name} is not in it)", do)
    return file.shapes[name][0]


def _misfit(entry: Architecture, file: WeightsFile, shape: InputShape) -> str:
    """Return how a file's tensors differ from those of the architecture for `shape`; "" where they do not."""
    with torch.device("meta"), torch.random.fork_rng(devices=()):
        state = entry.builder(shape).state_dict()
    return misfit(file.shapes, {name: tuple(tensor.shape) for name, tensor in state.items()})


def _as_they_are(entry: Architecture, file: WeightsFile, shape: InputShape) -> nn.Module:
    model = entry.builder(shape)
    model.load_state_dict(load_file(file.path))
    return model


def _by_timm(entry: Architecture, file: WeightsFile, shape: InputShape) -> nn.Module:
    """Build the model as timm loads a file whose head has as many classes as are asked for: it is kept."""
    return loaded_by_timm(entry, file.path, shape, num_classes=shape.num_classes)


def _of_file(entry: Architecture, file: WeightsFile, load: Any, shape: InputShape) -> nn.Module:
    """Build the model; in front of it a rescaling where timm's weights of it know other images than those of -1..1."""
    model = load(entry, file, shape)
    file.require_unchanged()
    return model if file.takes_images_as_given or not entry.hub else rescaled(entry, model, shape)
