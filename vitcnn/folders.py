"""Folders that may not be there yet, and files that are written whole."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from vitcnn.errors import UserError

OWN = ".vitcnn"
"""The folder of runs, records and comparisons below a project's root."""


def given_path(field: str, text: Path | str) -> Path:
    """Return a path that a user gave; UserError where it is empty, or the system refuses to look at it.

    An empty one is what a variable leaves that is not set; as a path it would be the working folder.
    """
    if not str(text).strip():
        do = "Perhaps a variable in the command is not set. Leave out the option, or write `.` for this folder."
        raise UserError(field=field, value=str(text), allowed="a path", do=do)
    path = Path(text)
    try:
        path.exists()
    except OSError as error:  # a name too long, a folder above that may not be read
        do = f"{error.strerror}."
        raise UserError(field=field, value=str(text), allowed="a path that can be read", do=do) from error
    return path


def nearest_existing(path: Path) -> Path:
    """Return `path`, or of the folders above it the nearest that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def short(path: Path | str) -> str:
    """Return `path` relative to the working directory where it is below it."""
    path = Path(path)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of the bytes of a file, read in parts."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def make_own_folder(root: Path) -> Path:
    """Make the folder of all that vitcnn leaves below `root`, which git is told to ignore, and return it."""
    folder = root / OWN
    if not folder.exists():
        write_whole(folder / ".gitignore", "# made by vitcnn\n*\n")
    return folder


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a folder to write to. Once all is written it takes the place of `path`, absent or empty; else it goes."""
    unfinished = path.with_name(f".{os.getpid()}.partial")
    try:
        unfinished.mkdir(parents=True)
        yield unfinished
        unfinished.replace(path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, flushed to disk; text as UTF-8. Makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{os.getpid()}.partial")  # a name of any length has room for no more
    try:
        with partial.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
