"""The model that `vitcnn tile` is asked for: with which weights, at which size, and what its classes are called."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vitcnn import architectures
from vitcnn.adaptation.files import load_adapted, read_card
from vitcnn.adaptation.own_head import COLOURS, WithHead, file_with_head, hub_with_head
from vitcnn.adaptation.weights_file import weights_path
from vitcnn.adaptations import adaptation
from vitcnn.bench.models import random_model
from vitcnn.commands.tile_names import names_of_weights, numbered, read_names
from vitcnn.device import Device
from vitcnn.errors import UserError
from vitcnn.images import Resize
from vitcnn.inference import TileGrid, for_inference, resized
from vitcnn.inference.forward import memory_format
from vitcnn.inference.tiling import FeatureMap, batch_within
from vitcnn.recipes.parts import HUB, OF_FILE, RANDOM
from vitcnn.spec import Architecture, InputShape

USUAL_CLASSES = 1000
"""Of random weights, unless --classes names others."""

AUTO = "auto"
"""A batch that is chosen by what memory is free and what tiles are measured to take."""

LARGE = {"width": 7680, "height": 4320}
"""A frame with more tiles than go through a model at once, for that measurement."""

ALLOWED = "random, hub, or file:PATH of a safetensors file"


@dataclass(frozen=True, kw_only=True)
class Known:
    """A model ready for tiles of `shape`, what its classes are called, and what the results say of it.

    `features` is its last feature map where a dense map is asked for, `batch` how many tiles it is given at once.
    `notes` are what the user is to know at once.
    """

    model: nn.Module
    shape: InputShape
    layout: torch.memory_format
    names: tuple[str, ...]
    settings: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    features: FeatureMap | None = None
    batch: int = 0


def model_of(options: argparse.Namespace, device: Device) -> Known:
    """Return the model on the device; UserError where options do not go together, or the tile does not fit it."""
    found = _adapted(options) if options.adapted else _named(options, device)
    layout = found.layout
    model = for_inference(found.model, device=device, layout=layout, precision=options.precision, mode="eager")
    features = None
    if options.output == "dense":
        features = FeatureMap(model, found.shape)
    batch = options.batch
    if batch == AUTO:
        grid = TileGrid(**LARGE, tile_px=options.tile, overlap=options.overlap)
        is_dense, channels = features is not None, found.shape.channels
        batch = batch_within(None, model, grid, device, channels=channels, layout=layout, is_dense=is_dense)
    return replace(found, model=model, features=features, batch=batch)


def _named(options: argparse.Namespace, device: Device) -> Known:
    """Return the model of --arch and --weights."""
    for field, value in (("--arch", options.arch), ("--weights", options.own_weights)):
        if value is None:
            do = "Name an architecture and its weights, or a folder of `vitcnn adapt` with --adapted."
            raise UserError(field=field, value="nothing", allowed="a name", do=do)
    (name,) = architectures.ask_for([options.arch])
    entry, value = architectures.architecture(name), options.own_weights
    note = require_tile(entry, options.tile)
    given = read_names(options.classes) if options.classes else ()
    if value == RANDOM:
        num_classes = len(given) or USUAL_CLASSES
        shape = InputShape(px=options.tile, channels=COLOURS, num_classes=num_classes)
        model, settings = random_model(entry, shape, device), {"weights": entry.weights}
        names = given or numbered(num_classes)
        meaningless = "the weights are random, so the scores and classes mean nothing"
        notes = [] if entry.file else [meaningless]
    else:
        found = with_head(entry, value, options.tile)
        model, shape, settings = resized(found.architecture, found.shape), found.shape, dict(found.settings)
        names = fitting_names(given, shape.num_classes, options) or names_of_weights(entry, shape.num_classes)
        notes = []
    return Known(
        model=model,
        shape=shape,
        layout=memory_format(entry),
        names=names,
        settings={"architecture": entry.name, **settings},
        notes=tuple(filter(None, [note, *notes])),
    )


def with_head(entry: Architecture, value: str, px: int) -> WithHead:
    """Return the hub's weights or a file's with their own head; UserError where `value` names neither."""
    if value == HUB:
        return hub_with_head(entry, px)
    if value.startswith(OF_FILE) and value != OF_FILE:
        return file_with_head(entry, weights_path(value), px)
    do = "A model that was trained here is kept by `vitcnn adapt` or `vitcnn pretrain`: name its folder or file."
    raise UserError(field="--weights", value=value, allowed=ALLOWED, do=do)


def _adapted(options: argparse.Namespace) -> Known:
    """Return the model of a folder that `vitcnn adapt` wrote, its resize from the tile in front, if it needs one."""
    base = options.own_weights
    if base is not None and not base.startswith(OF_FILE):
        do = "With --adapted it names the file that training started from, and is needed only where that was a file."
        raise UserError(field="--weights", value=base, allowed="file:PATH", do=do)
    weights = weights_path(base) if base else None
    card = read_card(options.adapted, "--adapted")
    _require_base(card, weights)
    model = load_adapted(options.adapted, weights=weights, architecture=options.arch or "", data_root=options.data_root)
    images, tile = card["images"], options.tile
    (name,) = architectures.ask_for([options.arch or card["architecture"]])
    entry = architectures.architecture(name)
    if isinstance(model, nn.Sequential) and isinstance(model[0], Resize):
        model = model[1]
    model_px, notes = int(images["model_px"]), []
    if model_px != tile:
        model = nn.Sequential(Resize(model_px), model)
        changed = "shrunk" if model_px < tile else "enlarged"
        notes = [f"tiles of {tile} px are {changed} to {model_px} px, at which the model was adapted"]
    num_classes = int(card["data"]["num_classes"])
    given = fitting_names(read_names(options.classes) if options.classes else (), num_classes, options)
    told = tuple(map(str, card["data"].get("classes", ())))
    started = {"started_from": card["weights"]["name"], "weights_sha256": card["weights"]["sha256"]}
    return Known(
        model=model,
        shape=InputShape(px=tile, channels=int(images["channels"]), num_classes=num_classes),
        layout=memory_format(entry),
        names=given or (told if len(told) == num_classes else numbered(num_classes)),
        settings={
            "architecture": card["architecture"],
            "weights": f"adapted:{Path(options.adapted).resolve().name}",
            "adaptation": card["adaptation"],
            "adapted_to": card["data"].get("task", ""),
            **started,
        },
        notes=tuple(notes),
    )


def _require_base(card: Mapping[str, Any], given: Path | None) -> None:
    """Raise UserError where training started from a file of the user's, and nobody says where it lies."""
    started = card["weights"]
    if given is None and started["name"].startswith(OF_FILE) and adaptation(card["adaptation"]).kind != "full":
        do = f"Training started from {started['file']}, which the folder does not hold: say where it lies."
        raise UserError(field="--weights", value="nothing", allowed="file:PATH", do=do)


def fitting_names(given: tuple[str, ...], num_classes: int, options: argparse.Namespace) -> tuple[str, ...]:
    """Return the names that were given; UserError where they are more or fewer than the classes."""
    if given and len(given) != num_classes:
        allowed = f"a file of {num_classes:,} names, one a line, as the weights have classes"
        do = f"It holds {len(given):,}."
        raise UserError(field="--classes", value=str(options.classes), allowed=allowed, do=do)
    return given


def require_tile(entry: Architecture, px: int) -> str:
    """Return what is to be said of tiles that are enlarged for a model; "" where it takes them as they are.

    UserError, which names the nearest sizes, where it would not see each pixel as it is.
    """
    if entry.sizes.kind != "image":
        do = f"{entry.refusal(px)}."
        raise UserError(field="--arch", value=entry.name, allowed="architectures of images", do=do)
    if entry.sizes.model_px(px) == px and not entry.refusal(px):
        return ""
    below, above = nearest_sizes(entry, px)
    if below is None and not entry.refusal(px):
        model_px = entry.model_px(px)
        return f"tiles of {px} px are enlarged to {model_px} px, the size at which {entry.name} works on them"
    sizes = " and ".join(f"{size} px" for size in (below, above) if size)
    do = f"The nearest sizes that work: {sizes}." if sizes else "Choose another architecture."
    raise UserError(field="--tile", value=px, allowed=f"sizes that {entry.name} takes: {entry.sizes.words}", do=do)


def nearest_sizes(entry: Architecture, px: int) -> tuple[int | None, int | None]:
    """Return the nearest sizes below and above `px` that a model takes as they are, None where there is none."""

    def takes(size: int) -> bool:
        return not entry.refusal(size) and entry.sizes.model_px(size) == size

    below = next((size for size in range(px - 1, 0, -1) if takes(size)), None)
    return below, next((size for size in range(px + 1, 2 * px + 1024) if takes(size)), None)
