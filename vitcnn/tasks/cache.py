"""Stores the arrays of a task in one uncompressed file, which is written completely or not at all."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vitcnn.spec import Data, Split

MARKER = "made_for"
"""The array that says which file the others were made for, and their sum."""

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


def cached(path: Path, make: Callable[[], Data]) -> Data:
    """Return the data kept at `path`, an .npz file; make and keep them where there are none.

    Where there are damaged ones, or others than were kept under this name, a warning names the file. Where `path`
    cannot be written the data are returned all the same, with a warning. `settings` are not kept.
    """
    kept = _read(path)
    if kept is not None:
        return kept
    made = make()
    try:
        _write(path, made)
    except OSError as error:
        warnings.warn(
            f"{path} cannot be written ({error.strerror}), so the data is generated again in each run", stacklevel=2
        )
    return made


def _read(path: Path) -> Data | None:
    try:
        with np.load(path) as file:
            train_images, train_labels, test_images, test_labels = (file[name] for name in ARRAYS)
            marker = str(file[MARKER])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as error:  # a broken file can raise anything
        _warn(path, f"{type(error).__name__}: {error}")
        return None
    train, test = Split(images=train_images, labels=train_labels), Split(images=test_images, labels=test_labels)
    kept = Data(train=train, test=test)
    if marker == _marker(path, kept):
        return kept
    _warn(path, "its checksum is wrong, or it belongs to another file")
    return None


def _warn(path: Path, why: str) -> None:
    warnings.warn(f"{path} does not contain the expected data ({why}), so the data is generated again", stacklevel=4)


def _marker(path: Path, data: Data) -> str:
    return f"{path.name} {data.sha256}"


def _write(path: Path, data: Data) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = (data.train.images, data.train.labels, data.test.images, data.test.labels)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
        partial = Path(folder, path.name)
        marked = {**dict(zip(ARRAYS, arrays, strict=True)), MARKER: np.array(_marker(path, data))}
        np.savez(partial, allow_pickle=False, **marked)
        partial.replace(path)
