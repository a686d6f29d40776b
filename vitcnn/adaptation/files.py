"""Writes what an adaptation trained to a folder, and reads it back: LoRA in peft's format, all else as safetensors.

The folder holds `card.json`, which says what is needed to build the model again, and one file of tensors: of LoRA
`adapter_config.json` and `adapter_model.safetensors` as `peft.PeftModel.from_pretrained` reads them, of a head
`head.safetensors`, of a model that trained whole `model.safetensors`. Nothing is ever unpickled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from vitcnn.adaptation.adapt import adapted
from vitcnn.adaptation.lora import QueryValueLora, factors, lora_layers, merge
from vitcnn.adaptation.parts import classifier
from vitcnn.adaptation.weights import Weighted, from_file, from_hub, misfit, save, write_tensors
from vitcnn.adaptation.weights_file import FOLDER, WeightsFile
from vitcnn.adaptations import Adaptation, Full, Lora, adaptation
from vitcnn.architectures import architecture as architecture_of
from vitcnn.architectures import ask_for
from vitcnn.errors import MissingData, UnknownName, UserError
from vitcnn.folders import given_path, short, whole_folder, write_whole
from vitcnn.images import core_of
from vitcnn.inference import resized
from vitcnn.recipes.parts import HUB
from vitcnn.spec import Architecture, InputShape
from vitcnn.tasks import data_root as known_data_root

CARD, README, MERGED, ADAPTER_CONFIG = "card.json", "README.md", "merged.safetensors", "adapter_config.json"
FILES = {"lora": "adapter_model.safetensors", "head": "head.safetensors", "full": "model.safetensors"}
"""The file of tensors, by the kind of adaptation."""

IN_PEFT = "base_model.model."
"""How peft begins the names of the parameters of the model that it adapts."""

MERGE_TOLERANCE = 1e-5
"""Largest difference between the logits of the merged model and of the adapted one, where logits are up to 1."""


def write_adapted(
    folder: Path,
    model: nn.Module,
    how: Adaptation,
    card: Mapping[str, Any],
    *,
    readme: str = "",
    merged_on: Tensor | None = None,
) -> None:
    """Write what `how` trained of `model` to `folder`, which is absent or empty, whole or not at all.

    With images, as the model is given them, in `merged_on`, the updates are added to the weights, in place, and all of
    them are written in timm's layout too, as `merged.safetensors`. RuntimeError where a model with the weights in that
    file answers otherwise than the adapted one did.
    """
    with whole_folder(folder) as place:
        if isinstance(how, Lora):
            write_whole(place / ADAPTER_CONFIG, json.dumps(peft_config(model, how), indent=2))
        if isinstance(how, Full):
            save(model, place / FILES["full"])
        else:
            write_tensors(exported(model, how), place / FILES[how.kind], {"format": "pt"})
        write_whole(place / CARD, json.dumps(card, indent=2, ensure_ascii=False) + "\n")
        write_whole(place / README, readme)
        if merged_on is not None:
            _write_merged(place / MERGED, model, merged_on)


@torch.no_grad()
def _write_merged(path: Path, model: nn.Module, images: Tensor) -> None:
    before = model.eval()(images)
    save(merge(model), path)
    core_of(model).load_state_dict(load_file(path))
    differs_by = (model(images) - before).abs().max().item()
    if not differs_by <= MERGE_TOLERANCE * max(1.0, before.abs().max().item()):
        raise RuntimeError(f"the merged model's logits differ by {differs_by:.1e} from the adapted model's")


def exported(model: nn.Module, how: Adaptation) -> dict[str, Tensor]:
    """Return the tensors of the file of `how`, by their names in it."""
    if isinstance(how, Full):
        return dict(core_of(model).state_dict())
    head, module = classifier(model)
    of_head = {f"{head}.{name}": tensor for name, tensor in module.state_dict().items()}
    if not isinstance(how, Lora):
        return of_head
    found = {f"{IN_PEFT}{name}": tensor for name, tensor in of_head.items()}
    for name, layer in lora_layers(model).items():
        down, up = factors(layer)
        found |= {f"{IN_PEFT}{name}.lora_A.weight": down, f"{IN_PEFT}{name}.lora_B.weight": up}
    return found


def peft_config(model: nn.Module, how: Lora) -> dict[str, Any]:
    """Return peft's configuration of the same updates: query and value of a fused layer are one of twice the rank."""
    from peft import LoraConfig

    ranks = {name: len(factors(layer)[0]) for name, layer in lora_layers(model).items()}
    most = max(ranks.values())
    others = {re.escape(name): rank for name, rank in ranks.items() if rank != most}
    config = LoraConfig(
        r=most,
        lora_alpha=how.scale * most,  # type: ignore[arg-type]  # peft divides it by r, whatever it is
        target_modules="|".join(map(re.escape, ranks)),
        modules_to_save=[classifier(model)[0]],
        rank_pattern=others,
        alpha_pattern={name: how.scale * rank for name, rank in others.items()},
        inference_mode=True,
    )
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in config.to_dict().items()}
    return {**plain, "peft_type": "LORA", "task_type": None}


def load_adapted(
    folder: Path | str,
    *,
    weights: Path | str | None = None,
    architecture: str = "",
    data_root: Path | str | None = None,
) -> nn.Module:
    """Return the adapted model of a folder that `vitcnn adapt` wrote, for inference.

    It is given images (count, channels, px, px), floats -1..1 of the card's `px` and `channels`, and returns logits
    (count, classes); what else the weights expect is done inside. `weights` is the safetensors file of the weights that
    training started from; without it those of the hub are looked for in its cache, and those made by `vitcnn pretrain`
    below `data_root`. `architecture` names a user's own once more, `FILE.py:NAME`.

    UserError where the folder has no card, or its file is cut off, a pickle, or of another architecture, number of
    classes or rank; MissingData where the weights are not here.
    """
    place = given_path("folder", folder)
    card = read_card(place)
    how = adaptation(card["adaptation"], "adaptation in the card")
    file = _tensors_of(place, how)
    model = adapted(_built(place, card, how, weights, architecture, data_root), how)
    _require_fit(file, exported(model, how))
    if isinstance(how, Lora):
        _require_scale(place, peft_config(model, how))
    _import(model, how, load_file(file.path))
    return model.eval().requires_grad_(False)


def base_of(
    folder: Path | str,
    *,
    weights: Path | str | None = None,
    architecture: str = "",
    data_root: Path | str | None = None,
) -> nn.Module:
    """Return the architecture's own module with the weights that training started from, as plain peft adapts it.

    It is given images as the card's `images` says, resized and normalised. Arguments and errors are `load_adapted`'s.
    """
    place = given_path("folder", folder)
    card = read_card(place)
    how = adaptation(card["adaptation"], "adaptation in the card")
    return core_of(_built(place, card, how, weights, architecture, data_root)).eval()


def read_card(folder: Path, field: str = "folder") -> dict[str, Any]:
    """Return the card of a folder; UserError, which calls it `field`, where there is none."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        for section, keys in {"": ("architecture", "adaptation"), **SECTIONS}.items():
            for key in keys:
                _ = (card[section] if section else card)[key]
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = "there is none" if isinstance(error, FileNotFoundError) else f"{type(error).__name__}: {error}"
        allowed = f"a folder that vitcnn adapt wrote, with a whole {CARD} ({why})"
        raise UserError(field=field, value=short(folder), allowed=allowed, do="Check the path.") from error
    assert isinstance(card, dict)
    return card


SECTIONS = {
    "images": ("px", "channels", "model_px"),
    "data": ("num_classes",),
    "weights": ("name", "file", "sha256"),
}
"""What a card must say besides its architecture and adaptation."""


def _built(
    folder: Path,
    card: Mapping[str, Any],
    how: Adaptation,
    weights: Path | str | None,
    own: str,
    data_root: Path | str | None,
) -> nn.Module:
    """Build the model of a card with the weights that training started from; one that trained whole has its own."""
    images = card["images"]
    shape = InputShape(px=images["px"], channels=images["channels"], num_classes=card["data"]["num_classes"])
    named = architecture_of(ask_for([own], "architecture")[0]) if own else _catalogued(card["architecture"])
    entry = replace(named, takes=None, resolutions={shape.px: images["model_px"]})
    if isinstance(how, Full):
        found = from_file(entry, folder / FILES["full"], shape)
    else:
        found = _weights(entry, card["weights"], weights, shape, data_root)
    return resized(found.architecture, shape)


def _is_own(name: str) -> bool:
    """Whether an architecture was named by `FILE.py:NAME`, which ids show as `FILE:NAME`."""
    return ":" in name


def _catalogued(name: str) -> Architecture:
    """Return an architecture by its name; UserError, which says how to name it, where it is a user's own."""
    try:
        return architecture_of(name)
    except UnknownName as error:
        if not _is_own(name):
            raise
        do = "It is defined in a file: name that once more, load_adapted(folder, architecture='FILE.py:NAME')."
        allowed = "architectures of the catalogue, without the argument `architecture`"
        raise UserError(field="architecture in the card", value=name, allowed=allowed, do=do) from error


def _weights(
    entry: Architecture,
    said: Mapping[str, Any],
    given: Path | str | None,
    shape: InputShape,
    data_root: Path | str | None,
) -> Weighted:
    """Return the weights that a card names: of the file that is given, the hub, or the folder of those made here."""
    if given is None and said["name"] == HUB:
        found = from_hub(entry, shape.px)
    else:
        path = given_path("weights", given) if given else known_data_root(data_root) / FOLDER / said["file"]
        if given is None and not path.is_file():
            do = "name the file, as in load_adapted(folder, weights=PATH)"
            raise MissingData("", f"weights {said['name']} are not under {path.parent}: {do}")
        found = from_file(entry, path, shape)
    assert found.path is not None, "weights that were read lie somewhere"
    file = WeightsFile.read("weights", found.path)
    if file.sha256 != said["sha256"]:
        raise file.refused(f"the file that training started from, {said['file']}, SHA-256 {said['sha256']}", "Find it.")
    return found


def _tensors_of(folder: Path, how: Adaptation) -> WeightsFile:
    return WeightsFile.read("adapter", folder / FILES[how.kind])


def _require_fit(file: WeightsFile, wanted: Mapping[str, Tensor]) -> None:
    """Raise UserError, which says which keys differ, where a file does not hold tensors of these names and shapes."""
    shapes = {name: tuple(tensor.shape) for name, tensor in wanted.items()}
    differing = misfit(file.shapes, shapes)
    if differing:
        do = "It is of another architecture, adaptation or number of classes than the card says."
        raise file.refused(f"what the card says ({differing})", do)


def _require_scale(folder: Path, wanted: Mapping[str, Any]) -> None:
    """Raise UserError where peft's configuration says another rank, scale or layer than the card."""
    path = folder / ADAPTER_CONFIG
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        do = "Copy the folder again."
        raise UserError(field="adapter", value=short(path), allowed=f"peft's JSON ({error})", do=do) from error
    keys = ("r", "lora_alpha", "target_modules", "modules_to_save", "rank_pattern", "alpha_pattern")
    differing = [key for key in keys if not isinstance(said, dict) or said.get(key) != wanted[key]]
    if differing:
        do = "Copy the folder again, or load it with plain peft."
        raise UserError(field="adapter", value=short(path), allowed=f"the card's {', '.join(differing)}", do=do)


@torch.no_grad()
def _import(model: nn.Module, how: Adaptation, tensors: Mapping[str, Tensor]) -> None:
    """Copy the tensors of a file, which fit, into an adapted model."""
    core = core_of(model)
    if not isinstance(how, Lora):
        core.load_state_dict(tensors, strict=False)
        return
    layers = lora_layers(model)
    for name, layer in layers.items():
        down, up = (tensors[f"{IN_PEFT}{name}.{factor}.weight"] for factor in ("lora_A", "lora_B"))
        if isinstance(layer, QueryValueLora):
            layer.set_as_one(down, up)
            if not torch.equal(layer.as_one()[1], up):
                do = "It was changed since: load it with plain peft."
                allowed = f"updates of query and value of {name}, and none of the key"
                raise UserError(field="adapter", value=f"{name}.lora_B", allowed=allowed, do=do)
        else:
            for ours, theirs in zip(factors(layer), (down, up), strict=True):
                ours.copy_(theirs)
    head, module = classifier(model)
    for name, tensor in module.state_dict().items():
        tensor.copy_(tensors[f"{IN_PEFT}{head}.{name}"])
