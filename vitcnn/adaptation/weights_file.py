"""Looks at a safetensors file of weights without loading it, and refuses every other kind. Imports no torch."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from safetensors import SafetensorError, safe_open

from vitcnn.errors import UserError
from vitcnn.folders import given_path, sha256_of_file, short

FOLDER = "weights"
"""The folder below the data root of weights that were made here."""

REASON_LENGTH = 200

AS_GIVEN = "-1..1"
OURS = {"made_by": "vitcnn", "images": AS_GIVEN}
"""What a file says in its header whose weights were trained here, on images as they are given."""


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """A safetensors file: the shape of each tensor in it, and what its header says. `field` is what errors call it."""

    field: str
    path: Path
    shapes: Mapping[str, tuple[int, ...]]
    header: Mapping[str, str]

    @classmethod
    def read(cls, field: str, path: Path) -> WeightsFile:
        """Look at a file, without loading it; UserError where it is none of safetensors, or cut off."""
        file = cls(field=field, path=path, shapes={}, header={})
        if not given_path(field, path).is_file():
            raise file.refused("a safetensors file that is there", "Check the path.")
        try:
            if why := _other_format(path):
                do = "Load it where you trust it, and save its state dict with safetensors.torch.save_file."
                raise file.refused(f"safetensors alone, since {why} can run code when it is loaded", do)
            with safe_open(path, framework="np") as opened:
                shapes = {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
                header = opened.metadata() or {}
        except (SafetensorError, OSError) as error:
            reason = textwrap.shorten(str(error), REASON_LENGTH)
            raise file.refused(f"a whole safetensors file ({reason})", "Copy or make it again.") from error
        return replace(file, shapes=shapes, header=header)

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the file, taken when it is first asked for."""
        return sha256_of_file(self.path)

    def refused(self, allowed: str, do: str) -> UserError:
        """Return the error that the file cannot be used."""
        return UserError(field=self.field, value=short(self.path), allowed=allowed, do=do)

    def require_unchanged(self) -> None:
        """Raise UserError where the file is no longer the one that was looked at."""
        if replace(self).sha256 != self.sha256:
            raise self.refused("a file that stays as it is while it is read", "Start again.")

    @property
    def takes_images_as_given(self) -> bool:
        """Whether its header says that it was trained on images of -1..1."""
        return self.header.get("images") == AS_GIVEN


def weights_path(text: str) -> Path:
    """Return the path in `file:PATH` or `PATH`, with the home in place of `~`."""
    return Path(text.removeprefix("file:")).expanduser()


def _other_format(path: Path) -> str:
    """Return what a file is that is none of safetensors, whose header of JSON follows its length, eight bytes."""
    with path.open("rb") as file:
        start = file.read(9)
    if start.endswith(b"{"):
        return ""
    if start.startswith(b"PK\x03\x04"):
        return "a zip file of torch.save"
    return "a pickle" if start.startswith(b"\x80") else ""
