"""The model that `vitcnn tile` is asked for: with which weights, at which size, and what its classes are called."""

from __future__ import annotations

import argparse
from dataclasses import replace

from vitcnn import architectures
from vitcnn.adaptation.own_head import COLOURS, WithHead, file_with_head, hub_with_head
from vitcnn.adaptation.weights_file import weights_path
from vitcnn.bench.models import random_model
from vitcnn.commands.tile.adapted import adapted_model
from vitcnn.commands.tile.command import AUTO
from vitcnn.commands.tile.known import Known
from vitcnn.commands.tile.names import names_for, names_of_weights, numbered, read_names
from vitcnn.commands.tile.sizes import require_tile
from vitcnn.device import Device
from vitcnn.errors import NotGiven, UserError
from vitcnn.inference import TileGrid, for_inference, resized
from vitcnn.inference.forward import memory_format
from vitcnn.inference.tiling import FeatureMap, batch_within
from vitcnn.recipes.parts import HUB, OF_FILE, RANDOM
from vitcnn.spec import Architecture, InputShape

USUAL_CLASSES = 1000
"""Of random weights, unless --classes names others."""

LARGE = {"width": 7680, "height": 4320}
"""A frame with more tiles than go through a model at once, for that measurement."""

ALLOWED = "random, hub, or file:PATH of a safetensors file"


def model_of(options: argparse.Namespace, device: Device) -> Known:
    """Return the model on the device; UserError where options do not go together, or the tile does not fit it."""
    found = adapted_model(options) if options.adapted else _named(options, device)
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
            raise NotGiven(field=field, allowed="a name", do=do)
    (name,) = architectures.ask_for([options.arch])
    entry = architectures.architecture(name)
    note = require_tile(entry, options.tile)
    found = _at_random(entry, options, device) if options.own_weights == RANDOM else _pretrained(entry, options)
    return replace(found, notes=tuple(filter(None, (note, *found.notes))))


def _at_random(entry: Architecture, options: argparse.Namespace, device: Device) -> Known:
    """Return an architecture as its builder makes it, with as many classes as are named, or a thousand."""
    names = read_names(options.classes) if options.classes else numbered(USUAL_CLASSES)
    shape = InputShape(px=options.tile, channels=COLOURS, num_classes=len(names))
    return Known(
        model=random_model(entry, shape, device),
        shape=shape,
        layout=memory_format(entry),
        names=names,
        settings={"architecture": entry.name, "weights": entry.weights},
        notes=() if entry.file else ("the weights are random, so the scores and classes mean nothing",),
    )


def _pretrained(entry: Architecture, options: argparse.Namespace) -> Known:
    """Return an architecture with weights of the hub or a file, in the classes of these."""
    found = with_head(entry, options.own_weights, options.tile)
    num_classes = found.shape.num_classes
    names = names_for(options.classes, num_classes) or names_of_weights(entry, num_classes)
    return Known(
        model=resized(found.architecture, found.shape),
        shape=found.shape,
        layout=memory_format(entry),
        names=names,
        settings={"architecture": entry.name, **found.settings},
    )


def with_head(entry: Architecture, value: str, px: int) -> WithHead:
    """Return the hub's weights or a file's with their own head; UserError where `value` names neither."""
    if value == HUB:
        return hub_with_head(entry, px)
    if value.startswith(OF_FILE) and value != OF_FILE:
        return file_with_head(entry, weights_path(value), px)
    do = "A model of `vitcnn adapt` is named by --adapted DIR, weights of `vitcnn pretrain --out FILE` by file:FILE."
    raise UserError(field="--weights", value=value, allowed=ALLOWED, do=do)
