"""Keeps the arrays of a task on disk: one uncompressed file, whole or not at all."""

from __future__ import annotations

import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vitcnn.spec import Data, Split

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


def cached(path: Path, make: Callable[[], Data]) -> Data:
    """Return the data kept at `path`, an .npz file; make and keep them where there are none, or damaged ones.

    Where `path` cannot be written the data are returned all the same, with a warning. `settings` are not kept.
    """
    kept = _read(path)
    if kept is not None:
        return kept
    made = make()
    try:
        _write(path, made)
    except OSError as error:
        warnings.warn(f"{path} cannot be written ({error.strerror}): these data are made anew each time", stacklevel=2)
    return made


def _read(path: Path) -> Data | None:
    try:
        with np.load(path) as file:  # a zip file: each array has a checksum
            train_images, train_labels, test_images, test_labels = (file[name] for name in ARRAYS)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return Data(
        train=Split(images=train_images, labels=train_labels), test=Split(images=test_images, labels=test_labels)
    )


def _write(path: Path, data: Data) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = (data.train.images, data.train.labels, data.test.images, data.test.labels)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as folder:
        partial = Path(folder, path.name)
        np.savez(partial, allow_pickle=False, **dict(zip(ARRAYS, arrays, strict=True)))
        partial.replace(path)
