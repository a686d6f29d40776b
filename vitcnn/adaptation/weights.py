"""Architectures with pretrained weights, of the hub or of a file, fitted to a task as timm fits them.

The head is random always: it is what a task brings. Weights are read from safetensors alone, never from a pickle.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from vitcnn.adaptation.parts import classifier
from vitcnn.adaptation.weights_file import OURS, REASON_LENGTH, WeightsFile
from vitcnn.architectures.hub import HubWeights, damaged, hub_weights, other_layers, repository, require_unchanged
from vitcnn.errors import UnsupportedResolution
from vitcnn.folders import write_whole
from vitcnn.images import Rescale, core_of
from vitcnn.quantity import first_of
from vitcnn.spec import Architecture, InputShape

NO_HEAD = 0

MOST_NAMED = 3
"""So many tensors are named that do not fit."""

Loader = Callable[[Architecture, WeightsFile, InputShape], nn.Module]


@dataclass(frozen=True, kw_only=True)
class Weighted:
    """What builds an architecture with weights, what a record says of these, and in which file they lie, if any."""

    architecture: Architecture
    settings: Mapping[str, Any]
    path: Path | None = None


def at_random(entry: Architecture) -> Weighted:
    """Return the architecture as its builder makes it."""
    return Weighted(architecture=entry, settings={"weights": entry.weights})


def from_hub(entry: Architecture, input_px: int) -> Weighted:
    """Return `entry` with the hub's weights for images of `input_px`.

    UserError where there are none or they are damaged, MissingData where they are not here, UnsupportedResolution where
    they are made for other layers than it has at this resolution.
    """
    repository(entry)
    if reason := other_layers(entry, input_px, entry.model_px(input_px)):
        raise UnsupportedResolution(reason)
    found = hub_weights(entry)
    require_whole(entry, found.path)
    built = replace(entry, builder=partial(_of_hub, entry, found))
    settings = {"weights": "hub", "hub": found.name, "weights_sha256": found.sha256}
    return Weighted(architecture=built, settings=settings, path=found.path)


def from_file(entry: Architecture, path: Path, shape: InputShape) -> Weighted:
    """Return `entry` with the weights in a safetensors file, in timm's layout, for images of `shape`.

    They fit as they are, or timm fits positions and first layer where it knows the architecture's own weights.
    UserError where they do not, or the file is cut off or none.
    """
    file = WeightsFile.read(f"weights of {entry.name}", path)
    model_shape = replace(shape, px=entry.model_px(shape.px))
    differing, load = _misfit_but_head(entry, file, model_shape), _as_they_are
    if differing and entry.hub and timm_can_load(entry, file):
        differing, load = "", _by_timm
    if differing:
        do = "Name weights of this architecture, made for images of this size."
        raise file.refused(
            f"weights of {entry.name} for {model_shape.channels} x {model_shape.px} px ({differing})", do
        )
    settings = {"weights": f"file:{path.name}", "weights_sha256": file.sha256}
    built = replace(entry, builder=partial(_of_file, entry, file, load))
    return Weighted(architecture=built, settings=settings, path=path)


def save(model: nn.Module, path: Path, **header: str) -> None:
    """Write all weights of a model in timm's layout, whole or not at all; the header says what images they know."""
    state = core_of(model).state_dict()
    as_given = not any(isinstance(module, Rescale) for module in model.modules())
    write_tensors(state, path, {**(OURS if as_given else {"made_by": "vitcnn"}), **header})


def write_tensors(tensors: Mapping[str, Tensor], path: Path, header: Mapping[str, str]) -> None:
    """Write a safetensors file whole or not at all; processes that write the same one do not disturb each other."""
    plain = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    write_whole(path, to_bytes(plain, dict(header)))


def _misfit_but_head(entry: Architecture, file: WeightsFile, shape: InputShape) -> str:
    """Return how a file's tensors differ from those of the architecture for `shape`, the head aside; "" where not."""
    with torch.device("meta"):
        model = entry.builder(shape)
    head = tuple(f"{classifier(model)[0]}.{part}" for part in ("weight", "bias"))
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items() if name not in head}
    return misfit({name: shape for name, shape in file.shapes.items() if name not in head}, wanted)


def misfit(given: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tuple[int, ...]]) -> str:
    """Return how the names and shapes of tensors differ from those that are wanted; "" where they do not."""
    missing, more = sorted(wanted.keys() - given.keys()), sorted(given.keys() - wanted.keys())
    both = sorted(wanted.keys() & given.keys())
    other = [f"{name} is {given[name]}, not {wanted[name]}" for name in both if given[name] != wanted[name]]
    parts = (("it lacks", missing), ("it also holds", more), ("", other))
    return "; ".join(f"{what} {first_of(names, MOST_NAMED)}".strip() for what, names in parts if names)


def _as_they_are(entry: Architecture, file: WeightsFile, shape: InputShape) -> nn.Module:
    """Build the model and copy all tensors but the head's into it."""
    model = entry.builder(shape)
    head = classifier(model)[0]
    state = {name: tensor for name, tensor in load_file(file.path).items() if not name.startswith(f"{head}.")}
    model.load_state_dict(state, strict=False)
    return model


def timm_can_load(entry: Architecture, file: WeightsFile) -> bool:
    """Whether timm can load a file whole into the model that the hub's weights are of, its head aside."""
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns that nothing is copied to where there is no memory
        config = hub_config(entry)
        num_classes = file.shapes.get(f"{config.classifier}.weight", (NO_HEAD,))[0]
        try:
            shape = InputShape(px=max(config.input_size[1:]), channels=config.input_size[0], num_classes=num_classes)
            loaded_by_timm(entry, file.path, shape, num_classes=num_classes)
        except Exception:  # whatever timm's conversions raise at keys and shapes of another architecture
            return False
    return True


def _by_timm(entry: Architecture, file: WeightsFile, shape: InputShape) -> nn.Module:
    """Build the model as timm loads a file: it fits the first convolution and the positions, and leaves the head out.

    That many classes has no model: so timm never takes the file's head for the task's.
    """
    return loaded_by_timm(entry, file.path, shape, num_classes=-1)


def _of_file(entry: Architecture, file: WeightsFile, load: Loader, shape: InputShape) -> nn.Module:
    """Build the model; in front of it a rescaling where timm's weights of it know other images than those of -1..1."""
    model = load(entry, file, shape)
    file.require_unchanged()
    return model if file.takes_images_as_given or not entry.hub else rescaled(entry, model, shape)


def require_whole(entry: Architecture, path: Path) -> None:
    """Load all weights, head included, into a model of theirs without memory: timm then takes no key less or more."""
    config = hub_config(entry)
    shape = InputShape(px=max(config.input_size[1:]), channels=config.input_size[0], num_classes=config.num_classes)
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns that nothing is copied to where there is no memory
        try:
            loaded_by_timm(entry, path, shape)
        except (SafetensorError, RuntimeError) as error:
            raise damaged(entry, path, textwrap.shorten(str(error), REASON_LENGTH)) from error


def _of_hub(entry: Architecture, found: HubWeights, shape: InputShape) -> nn.Module:
    model = loaded_by_timm(entry, found.path, shape)
    require_unchanged(entry, found)
    return rescaled(entry, model, shape)


def rescaled(entry: Architecture, model: nn.Module, shape: InputShape) -> nn.Module:
    """Return `model`, in front of it a rescaling where its weights know other images than those of -1..1."""
    config = hub_config(entry)
    if {*config.mean, *config.std} == {0.5}:
        return model
    mean, std = (_per_channel(values, shape.channels) for values in (config.mean, config.std))
    return nn.Sequential(Rescale(mean, std), model)


def loaded_by_timm(entry: Architecture, path: Path, shape: InputShape, **overlay: Any) -> nn.Module:
    """Build the model with the weights in a file; timm fits the head, the first convolution and the positions."""
    tag = entry.hub.partition(".")[2]
    source = {"file": str(path), "custom_load": False, **overlay}
    return entry.builder(shape, pretrained=True, pretrained_cfg=tag, pretrained_cfg_overlay=source)


def hub_config(entry: Architecture) -> Any:
    """Return what timm says of an architecture's weights on the hub: mean and std, size of images, classes."""
    import timm

    return timm.get_pretrained_cfg(entry.hub)


def _per_channel(values: Sequence[float], channels: int) -> list[float]:
    """Return one value a channel; of a greyscale image the mean of the three, as timm adds up its filters."""
    return list(values) if channels == len(values) else [sum(values) / len(values)] * channels
