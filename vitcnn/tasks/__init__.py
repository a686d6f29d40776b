"""The catalogue of tasks: each data set has its own file, and its entry is found automatically."""

from __future__ import annotations

import functools
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from vitcnn import catalogue
from vitcnn.errors import MissingData, UnknownName, UserError, asked_as
from vitcnn.folders import given_path
from vitcnn.references import USAGE, is_reference, offered, require_one_meaning
from vitcnn.spec import Data, Progress, Task
from vitcnn.tasks.image_folder import folder_task
from vitcnn.tasks.own import GROUP, offered_task, own_task

FOLDER = "folder:"
DATA_ROOT_VARIABLE = "VITCNN_DATA"


@functools.cache
def tasks() -> dict[str, Task]:
    """Return the catalogue by name."""
    return catalogue.entries(sys.modules[__name__], Task)


def data_root(asked: Path | str | None = None) -> Path:
    """Return the folder of data sets: `asked`, else $VITCNN_DATA, else one in the user's cache.

    UserError where it is no folder, or what was given is empty.
    """
    field, given = _given_data_root(asked)
    do = f"Name a folder with --data-root or ${DATA_ROOT_VARIABLE}; it is created if needed."
    try:
        root = given_path(field, given).expanduser().absolute()
    except RuntimeError as error:  # the home of no user
        raise UserError(field=field, value=str(given), allowed="a folder", do=f"{error} {do}") from error
    if root.exists() and not root.is_dir():
        raise UserError(field=field, value=str(root), allowed="a folder", do=do)
    return root


def _given_data_root(asked: Path | str | None) -> tuple[str, Path | str]:
    """Return who names the data root, and what."""
    if asked is not None:
        return "--data-root", asked
    if (variable := os.environ.get(DATA_ROOT_VARIABLE)) is not None:
        return f"${DATA_ROOT_VARIABLE}", variable
    return "--data-root", Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "vitcnn" / "data"


class Tasks:
    """The tasks of one run: the catalogue's, and the user's own: folders, `folder:PATH`, and what `FILE.py:NAME` names.

    Files and caches lie below `data_root`. `asked` are names of the catalogue and the user's own, given by `option`; as
    an attribute, the names of the tasks they stand for: `folder:<name>`, `<file's stem>:<NAME>`. Data are loaded once,
    and asked for once where they cannot be had.
    """

    def __init__(self, data_root: Path, asked: Sequence[str] = (), option: str = "--task") -> None:
        self.data_root = data_root
        own = {value: task for value in asked if (task := _own_task(value))}
        for name, count in Counter(task.name for task in own.values()).items():
            if count > 1:
                do = "Rename one of the folders or files, or measure them one after the other."
                raise UserError(field="--task", value=name, allowed="folders and files of different names", do=do)
        self._entries = {**tasks(), **{task.name: task for task in own.values()}}
        self._loaded: dict[str, Data] = {}
        self._missing: dict[str, MissingData] = {}
        with asked_as(option, "task"):
            names = [own[value].name if value in own else self.task(value).name for value in asked]
        self.asked = tuple(dict.fromkeys(names))

    def names(self) -> tuple[str, ...]:
        """Return the names of all tasks."""
        return tuple(self._entries)

    def task(self, name: str) -> Task:
        """Return the task `name`; UnknownName offers the nearest."""
        if name not in self._entries:
            also = ("folder:PATH for a folder of images", f"{USAGE} for your own data")
            raise UnknownName(field="task", value=name, known=(*self._entries, *offered(GROUP)), also=also)
        return self._entries[name]

    def data(self, name: str, progress: Progress) -> Data:
        """Return the data of task `name`; MissingData where they are not here and cannot be had."""
        if name in self._missing:
            raise self._missing[name]
        if name not in self._loaded:
            try:
                self._loaded[name] = self.task(name).loader(self.data_root, progress)
            except MissingData as missing:
                self._missing[name] = missing
                raise
        return self._loaded[name]


def _own_task(value: str) -> Task | None:
    require_one_meaning("--task", value, GROUP, tasks())
    if value in offered(GROUP):
        return offered_task(value)
    if not is_reference(value):
        return None
    if not value.startswith(FOLDER):
        return own_task(value)
    path = value.removeprefix(FOLDER)
    if not path.strip():
        do = "Write for example folder:photos, or folder:. for the current folder."
        raise UserError(field="--task", value=value, allowed="folder:PATH", do=do)
    return folder_task(Path(path))
