"""The model of a folder that `vitcnn adapt` wrote, made ready for tiles."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from vitcnn import architectures
from vitcnn.adaptation.files import load_adapted, read_card
from vitcnn.adaptation.weights_file import weights_path
from vitcnn.adaptations import adaptation
from vitcnn.commands.tile.known import Known
from vitcnn.commands.tile.names import names_for, numbered
from vitcnn.errors import NotGiven, UserError
from vitcnn.images import Resize
from vitcnn.inference.forward import memory_format
from vitcnn.recipes.parts import OF_FILE
from vitcnn.spec import InputShape


def adapted_model(options: argparse.Namespace) -> Known:
    """Return the model of --adapted for tiles of --tile, with a resize in front where they are of another size."""
    base = options.own_weights
    if base is not None and not base.startswith(OF_FILE):
        do = "With --adapted it names the file from which training started; leave it out if that was not a file."
        raise UserError(field="--weights", value=base, allowed="file:PATH", do=do)
    weights = weights_path(base) if base else None
    card = read_card(options.adapted, "--adapted")
    _require_base(card, weights)
    model = load_adapted(options.adapted, weights=weights, architecture=options.arch or "", data_root=options.data_root)
    (name,) = architectures.ask_for([options.arch or card["architecture"]])
    model, note = _at_tile(model, int(card["images"]["model_px"]), options.tile)
    num_classes = int(card["data"]["num_classes"])
    told = tuple(map(str, card["data"].get("classes", ())))
    known = told if len(told) == num_classes else numbered(num_classes)
    return Known(
        model=model,
        shape=InputShape(px=options.tile, channels=int(card["images"]["channels"]), num_classes=num_classes),
        layout=memory_format(architectures.architecture(name)),
        names=names_for(options.classes, num_classes) or known,
        settings=_settings(card, options.adapted),
        notes=(note,) if note else (),
    )


def _at_tile(model: nn.Module, model_px: int, tile_px: int) -> tuple[nn.Module, str]:
    """Return the model for tiles, resized straight to the size that it works at, and what is to be said of that."""
    if isinstance(model, nn.Sequential) and isinstance(model[0], Resize):
        model = model[1]
    if model_px == tile_px:
        return model, ""
    changed = "shrunk" if model_px < tile_px else "enlarged"
    note = f"tiles of {tile_px} px are {changed} to {model_px} px, at which the model was adapted"
    return nn.Sequential(Resize(model_px), model), note


def _settings(card: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    return {
        "architecture": card["architecture"],
        "weights": f"adapted:{folder.resolve().name}",
        "adaptation": card["adaptation"],
        "adapted_to": card["data"].get("task", ""),
        "started_from": card["weights"]["name"],
        "weights_sha256": card["weights"]["sha256"],
    }


def _require_base(card: Mapping[str, Any], given: Path | None) -> None:
    """Raise UserError where training started from a file of the user's, and nobody says where it lies."""
    started = card["weights"]
    if given is None and started["name"].startswith(OF_FILE) and adaptation(card["adaptation"]).kind != "full":
        do = f"Training started from {started['file']}, which is not in the folder: name this file."
        raise NotGiven(field="--weights", allowed="file:PATH", do=do)
