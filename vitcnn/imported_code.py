"""The source code that a Python file runs: its own, and that of the files that it imports."""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

from vitcnn.folders import sha256_of_file

INSTALLED = ("site-packages", "dist-packages")
"""Folders of packages that have a version. Their code is known by it."""

OURS = Path(__file__).parent


@cache
def code_sha256(file: Path) -> str:
    """Return the SHA-256 of a Python file and of all that it imports, directly or not, wherever the files are.

    vitcnn, the standard library and packages that are installed are left out, but for one that `file` belongs to.
    Import statements are read and not run, those in functions too; a name that is made while the code runs is not
    found.
    """
    return _sha256_of(imported_files(file))


@cache
def our_code_sha256() -> str:
    """Return the SHA-256 of vitcnn's own code, which may change without its version."""
    return _sha256_of(OURS.rglob("*.py"))


def _sha256_of(files: Iterable[Path]) -> str:
    return sha256(" ".join(sorted(map(sha256_of_file, files))).encode()).hexdigest()


def imported_files(file: Path) -> set[Path]:
    """Return a Python file and those that it imports, directly or not."""
    found: set[Path] = set()
    left = [file.resolve()]
    own = _name(left[0]).partition(".")[0]
    while left:
        path = left.pop()
        if path not in found:
            found.add(path)
            left += [other for name in _imported_names(path) for other in _files(name, own)]
    return found


def _imported_names(path: Path) -> Iterator[str]:
    """Return the names of what may be modules in the import statements of a file; none where it is no Python."""
    if path.suffix != ".py":
        return
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(path, node)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _base(path: Path, node: ast.ImportFrom) -> str:
    """Return the name of the module that something is imported from."""
    if not node.level:
        return node.module or ""
    parts = _name(path).split(".")
    package = parts if path.name == "__init__.py" else parts[:-1]
    return ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])


def _name(path: Path) -> str:
    """Return the name by which a file is imported."""
    parts = [] if path.name == "__init__.py" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)


@cache
def _files(name: str, own: str) -> tuple[Path, ...]:
    """Return the files of a module and of the packages that it is in; `own` is a package that counts though installed.

    The last parts of the name may be those of a class or a function.
    """
    found: list[Path] = []
    places: list[str] | None = None
    parts = name.split(".")
    if parts[0] == OURS.name:
        return ()
    for end in range(1, len(parts) + 1):
        spec = _spec(".".join(parts[:end]), places)
        if spec is None:
            break
        if spec.origin and spec.origin.endswith(".py") and (parts[0] == own or not _is_installed(spec.origin)):
            found.append(Path(spec.origin).resolve())
        places = list(spec.submodule_search_locations or ())
        if not places:
            break
    return tuple(found)


def _spec(name: str, places: list[str] | None) -> ModuleSpec | None:
    """Return where a module is, without running code of its packages."""
    try:
        return find_spec(name) if places is None else PathFinder.find_spec(name, places)
    except (ImportError, ValueError):  # a module that was made while the program runs has no place
        return None


def is_users_own(module: str) -> bool:
    """Whether a module that was imported is neither vitcnn's, nor Python's, nor one of an installed package."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return bool(file) and not _is_installed(str(file)) and not Path(str(file)).is_relative_to(OURS)


def _is_installed(origin: str) -> bool:
    path = Path(origin)
    return any(part in INSTALLED for part in path.parts) or path.is_relative_to(sysconfig.get_path("stdlib"))
