"""Folders that may not be there yet."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from vitcnn.errors import UserError


def nearest_existing(path: Path) -> Path:
    """Return `path`, or of the folders above it the nearest that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def require_writable(field: str, folder: Path, do: str = "") -> None:
    """Raise UserError where `folder` cannot be made or written to, before long work ends in that error.

    `do` says what else the user can do.
    """
    nearest = nearest_existing(folder)
    try:
        with TemporaryDirectory(dir=nearest):
            return
    except OSError as error:
        reason = f"{nearest}: {error.strerror}. {do}".rstrip()
    raise UserError(field=field, value=str(folder), allowed="a folder that can be written to", do=reason)
