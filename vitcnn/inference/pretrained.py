"""Architectures with the hub's ImageNet weights, fitted to a task as timm fits them."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from vitcnn.architectures.any_timm import LARGEST_SMALL_PX
from vitcnn.architectures.hub import HubWeights, damaged, hub_weights, repository, require_unchanged
from vitcnn.errors import UnsupportedResolution
from vitcnn.recipes.parts import Weights
from vitcnn.spec import Architecture, InputShape

REASON_LENGTH = 200


class Rescale(nn.Module):
    """Turns images of -1..1 into what weights were trained on: 0..1, less `mean`, by `std`, of each channel."""

    scale: Tensor
    shift: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        means, stds = (torch.tensor(values)[:, None, None] for values in (mean, std))
        self.register_buffer("scale", 0.5 / stds, persistent=False)
        self.register_buffer("shift", (0.5 - means) / stds, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return images * self.scale + self.shift


def weighted(entry: Architecture, weights: Weights, input_px: int) -> tuple[Architecture, dict[str, Any]]:
    """Return what builds `entry` with `weights` for images of `input_px`, and what a record says of the weights.

    With the hub's weights only the head is random. UserError where there are none or they are damaged, MissingData
    where they are not here, UnsupportedResolution where they are made for other layers than it has at this resolution.
    """
    if weights == "random":
        return entry, {"weights": entry.weights}
    repository(entry)
    _require_same_layers(entry, input_px)
    found = hub_weights(entry)
    require_whole(entry, found.path)
    built = replace(entry, builder=partial(_rescaled, entry, found))
    return built, {"weights": weights, "hub": found.name, "weights_sha256": found.sha256}


def _require_same_layers(entry: Architecture, input_px: int) -> None:
    if entry.model_px(input_px) <= LARGEST_SMALL_PX:
        raise UnsupportedResolution(
            f"{entry.name} works at {entry.model_px(input_px)} px on images of {input_px} px, with a stem or patches "
            "that its ImageNet weights, made for 224 px, do not have: name an architecture that enlarges the images, "
            "such as vit_small or resnet50"
        )


def require_whole(entry: Architecture, path: Path) -> None:
    """Load all weights, head included, into a model of theirs without memory: timm then takes no key less or more."""
    config = _config(entry)
    shape = InputShape(px=max(config.input_size[1:]), channels=config.input_size[0], num_classes=config.num_classes)
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns that nothing is copied to where there is no memory
        try:
            _loaded(entry, path, shape)
        except (SafetensorError, RuntimeError) as error:
            raise damaged(entry, path, textwrap.shorten(str(error), REASON_LENGTH)) from error


def _rescaled(entry: Architecture, found: HubWeights, shape: InputShape) -> nn.Module:
    """Build the model; in front of it a rescaling where its weights know other images than those of -1..1."""
    config = _config(entry)
    model = _loaded(entry, found.path, shape)
    require_unchanged(entry, found)
    if {*config.mean, *config.std} == {0.5}:
        return model
    mean, std = (_per_channel(values, shape.channels) for values in (config.mean, config.std))
    return nn.Sequential(Rescale(mean, std), model)


def _loaded(entry: Architecture, path: Path, shape: InputShape) -> nn.Module:
    """Build the model with the weights in a file; timm fits the head, the first convolution and the positions."""
    tag = entry.hub.partition(".")[2]
    source = {"file": str(path), "custom_load": False}
    return entry.builder(shape, pretrained=True, pretrained_cfg=tag, pretrained_cfg_overlay=source)


def _config(entry: Architecture) -> Any:
    import timm

    return timm.get_pretrained_cfg(entry.hub)


def _per_channel(values: Sequence[float], channels: int) -> Sequence[float]:
    """Return one value a channel; of a greyscale image the mean of the three, as timm adds up its filters."""
    return values if channels == len(values) else [sum(values) / len(values)] * channels
