"""Finds timm's ImageNet weights in the cache of the Hugging Face hub, and downloads them.

They lie in the hub's own cache, below $HF_HOME. `fetch` alone ever downloads; whatever measures reads what is here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from vitcnn.architectures.any_timm import LARGEST_SMALL_PX
from vitcnn.errors import MissingData, UserError
from vitcnn.folders import sha256_of_file
from vitcnn.spec import Architecture

FILE = "model.safetensors"
SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class HubWeights:
    """A file of weights in the hub's cache; `name` is its repository on the hub."""

    name: str
    path: Path
    sha256: str


def repository(entry: Architecture) -> str:
    """Return the name of an architecture's weights on the hub; UserError where there are none."""
    if not entry.hub:
        allowed = "architectures with weights on the hub, such as vit_base and resnet50"
        raise UserError(field="weights", value=entry.name, allowed=allowed, do="Name one of those.")
    return f"timm/{entry.hub}"


def other_layers(entry: Architecture, input_px: int, model_px: int) -> str:
    """Return that an architecture has other layers at `model_px` than its weights are made for; "" where it has not."""
    if model_px > LARGEST_SMALL_PX:
        return ""
    return (
        f"{entry.name} works at {model_px} px on images of {input_px} px, with a stem or patches that its ImageNet "
        "weights, made for 224 px, do not have: name an architecture that enlarges the images, such as vit_small or "
        "resnet50"
    )


def are_here(entry: Architecture) -> bool:
    """Whether an architecture's weights lie in the hub's cache. Looks at names alone, so it is quick."""
    return _cached(repository(entry)) is not None


def not_here(entry: Architecture) -> str:
    """Say that an architecture's weights are not here, and the way out."""
    return f"weights of {entry.name} are not here: run `vitcnn fetch --weights {entry.name}` where there is a network"


def hub_weights(entry: Architecture) -> HubWeights:
    """Return an architecture's weights in the hub's cache, their sum checked by the name that the cache gave them.

    MissingData where they are not here, UserError where they are damaged. Nothing is downloaded.
    """
    path = _cached(repository(entry))
    if path is None:
        raise MissingData("", not_here(entry))
    found = HubWeights(name=repository(entry), path=path, sha256=sha256_of_file(path))
    if _is_damaged(found):
        raise damaged(entry, path, f"its SHA-256 is {found.sha256}")
    return found


def require_unchanged(entry: Architecture, found: HubWeights) -> None:
    """Raise UserError where a file, which has just been loaded, is no longer the one whose sum was taken."""
    if sha256_of_file(found.path) != found.sha256:
        raise damaged(entry, found.path, "it changed while it was read")


def damaged(entry: Architecture, path: Path, why: str) -> UserError:
    """Return the error that a file does not hold an architecture's weights."""
    do = f"Delete it, and run `vitcnn fetch --weights {entry.name}` where there is a network."
    allowed = f"the file that the hub has under this name ({why})"
    return UserError(field=f"weights of {entry.name}", value=str(path), allowed=allowed, do=do)


def fetch(entry: Architecture) -> HubWeights:
    """Download an architecture's weights where they are missing or damaged; MissingData where they cannot be had."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # else it tells of each of its tries
    name = repository(entry)
    path = _cached(name)
    if path is None or _is_damaged(HubWeights(name=name, path=path, sha256=sha256_of_file(path))):
        try:
            hf_hub_download(name, FILE, force_download=path is not None)
        except Exception as error:  # the hub's client raises errors of its own, of httpx and of the system
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            do = f"Run `vitcnn fetch --weights {entry.name}` where there is a network"
            message = f"weights of {entry.name} cannot be downloaded: {name}: {reason.rstrip('.')}. {do}"
            raise MissingData("", f"{message}, and copy the hub's cache ($HF_HOME)") from error
    return hub_weights(entry)


def _cached(name: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, FILE)
    return Path(found) if isinstance(found, str) else None


def _is_damaged(weights: HubWeights) -> bool:
    """Whether the sum is another than the one that the cache names its file by; where it names none, nobody knows."""
    known = weights.path.resolve().name
    return SHA256.fullmatch(known) is not None and known != weights.sha256
