"""Finds catalogue entries: the module constants of one type in a module or in every module of a package."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Protocol, TypeVar


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str: ...


Entry = TypeVar("Entry", bound=Named)


def entries(package: ModuleType, kind: type[Entry]) -> dict[str, Entry]:
    """Return every module constant of type `kind` in `package` and its modules, by name.

    Two entries of one name are a bug in the catalogue: AssertionError.
    """
    found: dict[str, Entry] = {}
    for module in modules(package):
        for constant in vars(module).values():
            if isinstance(constant, kind):
                other = found.setdefault(constant.name, constant)
                assert other is constant, f"two {kind.__name__} entries are named {constant.name!r}"
    return found


def modules(package: ModuleType) -> list[ModuleType]:
    """Return `package` and the modules directly in it, in alphabetical order."""
    if not hasattr(package, "__path__"):
        return [package]
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    return [package, *(importlib.import_module(f"{package.__name__}.{name}") for name in names)]
