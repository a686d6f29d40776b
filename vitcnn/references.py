"""What a user names outside the package: `FILE.py:NAME`, `package.module:NAME`, or what an installed package offers.

Standard library alone.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
import zlib
from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from vitcnn.errors import UnknownName, UserError
from vitcnn.folders import given_path

OF_A_FILE = "vitcnn_file_"
"""How the names of modules begin that stand for a user's files."""

USAGE = "FILE.py:NAME or package.module:NAME"


_NAMED: set[Path] = set()


def named_files() -> tuple[Path, ...]:
    """Return the files of code and of weights that were named so far in this process."""
    return tuple(sorted(_NAMED))


def note_named(path: Path) -> None:
    """Remember a file that a user has named."""
    _NAMED.add(path.resolve())


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What was named, and where it stands. `str` is how ids and tables call it: never by a path."""

    module: str
    name: str
    file: str
    value: Any

    def __str__(self) -> str:
        return f"{self.module}:{self.name}"


def is_reference(text: str) -> bool:
    """Whether `text` names something in a file or a module."""
    return ":" in text


def load_reference(field: str, text: str, *, is_fit: Callable[[object], bool], allowed: str) -> Reference:
    """Import the file or the module of `text` and return what it calls NAME.

    `field` is the option that was given, `is_fit` says whether a value can be used there, and `allowed` says it in
    words. Raises UserError for a file that is not there or does not import, and for a NAME that is not there or is
    something else.
    """
    place, _, name = text.rpartition(":")
    if not place.strip() or not name.isidentifier():
        do = "Write for example models/mine.py:Net for the class Net in models/mine.py."
        raise UserError(field=field, value=text, allowed=USAGE, do=do)
    module = _of_file(field, text, place) if place.endswith(".py") else _of_module(field, text, place)
    if not hasattr(module, name):
        known = [key for key, value in vars(module).items() if not key.startswith("_") and is_fit(value)]
        raise UnknownName(field=field, value=name, known=known, also=[] if known else [f"none of the names in {place}"])
    value = getattr(module, name)
    if not is_fit(value):
        do = f"It is {_kind(value)}."
        raise UserError(field=field, value=text, allowed=allowed, do=do)
    stem = Path(place).stem if place.endswith(".py") else place.rpartition(".")[2]
    file = str(getattr(module, "__file__", "") or "")
    if file:
        note_named(Path(file))
    return Reference(module=stem, name=name, file=file, value=value)


@cache
def offered(group: str) -> dict[str, str]:
    """Return what installed packages offer by the entry points of `group`: `package.module:NAME` by name.

    Imports none of it. UserError where two packages offer different things by one name.
    """
    found: dict[str, str] = {}
    for entry in entry_points(group=group):
        other = found.setdefault(entry.name, entry.value)
        if other != entry.value:
            do = f"{other} and {entry.value} both register it: uninstall one of their packages."
            raise UserError(field=f"entry point {group}", value=entry.name, allowed="each name once", do=do)
    return found


def require_one_meaning(field: str, name: str, group: str, catalogue: Container[str]) -> None:
    """Raise UserError where a package offers as `name` what the catalogue has under this name."""
    if name in catalogue and name in offered(group):
        do = f"The package of {offered(group)[name]} registers the same name: it must choose another one."
        raise UserError(field=field, value=name, allowed="names with one meaning", do=do)


def import_file(path: Path) -> ModuleType:
    """Run a Python file as a module of its own and return it; what it raises passes.

    Files beside it can be imported, as where it is run as a program, but hide nothing that is installed.
    """
    return _imported(path.resolve())


@cache
def _imported(path: Path) -> ModuleType:
    name = f"{OF_A_FILE}{zlib.crc32(str(path).encode()):08x}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    sys.modules[name] = module  # dataclasses and pickle look a class's module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _of_file(field: str, text: str, place: str) -> ModuleType:
    path = given_path(field, place).expanduser()
    if not path.is_file():
        do = f"There is no file {path.absolute()}."
        raise UserError(field=field, value=text, allowed=USAGE, do=do)
    try:
        return import_file(path)
    except (Exception, SystemExit) as error:
        raise _not_importable(field, text, error, str(path.resolve())) from error


def _of_module(field: str, text: str, place: str) -> ModuleType:
    try:
        return importlib.import_module(place)
    except (Exception, SystemExit) as error:
        raise _not_importable(field, text, error, "") from error


def _not_importable(field: str, text: str, error: BaseException, file: str) -> UserError:
    module = text.partition(":")[0]
    see = f"python {file}" if file else f"python -c 'import {module}'"
    do = f"Importing it raised {raised(error, file)}. `{see}` shows the full error."
    return UserError(field=field, value=text, allowed="a file or module that can be imported", do=do)


def raised(error: BaseException, file: str) -> str:
    """Say what was raised, and where in `file` if it was there: `KeyError: 'x' (mine.py, line 7, in forward)`."""
    lines = str(error).splitlines()
    what = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    inside = [frame for frame in traceback.extract_tb(error.__traceback__) if file and frame.filename == file]
    if not inside:
        return what
    return f"{what} ({Path(file).name}, line {inside[-1].lineno}, in {inside[-1].name})"


def _kind(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"
