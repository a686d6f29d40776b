"""What this Python has installed of a repository: one state of it, whichever revision is measured."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions, packages_distributions
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

PROJECT_FILE = "pyproject.toml"

OURS = "vitcnn."
"""The groups of entry points that vitcnn reads begin so."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a distribution was installed from, a folder or a file of this machine, and whether editable (PEP 610)."""

    path: Path
    is_editable: bool


def origin_of(distribution: Distribution) -> Origin | None:
    """Return where a distribution was installed from; None where that is no path of this machine."""
    text = distribution.read_text("direct_url.json")
    document = json.loads(text) if text else {}
    parts = urlsplit(document.get("url", ""))
    if parts.scheme != "file":
        return None
    editable = bool(document.get("dir_info", {}).get("editable"))
    return Origin(path=Path(unquote(parts.path)).resolve(), is_editable=editable)


def editable_projects(top: Path) -> list[Path]:
    """Return the folders in `top` that distributions are installed from, editable."""
    origins = [origin for found in distributions() if (origin := origin_of(found)) and origin.is_editable]
    return [origin.path for origin in origins if origin.path.is_relative_to(top)]


@dataclass(frozen=True, kw_only=True)
class Installed:
    """A distribution that is installed of a project of the repository, and its project file in a revision's tree."""

    distribution: Distribution
    project_file: Path


def installed_of(checkout: Path, tree: Path, folder: Path) -> list[Installed]:
    """Return what is installed of the projects of `tree`, a worktree of `checkout`.

    Those are the distributions that were installed from a path in `checkout`, and those that are named as the project
    of `folder` in `tree`, or of `tree` itself.
    """
    files = (tree / PROJECT_FILE, folder / PROJECT_FILE)
    by_name = {_normalised(name): file for file in files if (name := _declared(file, "name"))}
    found = []
    for distribution in distributions():
        origin, name = origin_of(distribution), _normalised(distribution.metadata["Name"] or "")
        if origin and origin.path.is_relative_to(checkout) and origin.path.is_dir():
            file = tree / origin.path.relative_to(checkout) / PROJECT_FILE
            found.append(Installed(distribution=distribution, project_file=file))
        elif name in by_name or (origin and origin.path.is_relative_to(checkout)):
            found.append(Installed(distribution=distribution, project_file=by_name.get(name, tree / PROJECT_FILE)))
    return found


def packages_of(installed: list[Installed]) -> set[str]:
    """Return the names of the packages and modules that distributions install, without the dots of inner ones."""
    names = {one.distribution.metadata["Name"] for one in installed}
    return {package for package, owners in packages_distributions().items() if names.intersection(owners)}


def other_entry_points(installed: list[Installed]) -> str:
    """Say which entry points for vitcnn are installed otherwise than a revision declares them; empty where none is.

    Python reads them from what is installed, whichever revision is measured.
    """
    for one in installed:
        name = one.distribution.metadata["Name"]
        have, declared = _entry_points(one.distribution), _declared_entry_points(one.project_file)
        for key in sorted(have.keys() | declared.keys()):
            if have.get(key) != declared.get(key):
                group, offered = key
                return (
                    f"the entry point {offered!r} of {group} is {have.get(key, 'missing')} in the installed {name} and "
                    f"{declared.get(key, 'missing')} in this revision's {PROJECT_FILE}. Both revisions would use the "
                    "installed one: name what you compare as package.module:NAME or FILE.py:NAME instead"
                )
    return ""


def _entry_points(distribution: Distribution) -> dict[tuple[str, str], str]:
    entries = (entry for entry in distribution.entry_points if entry.group.startswith(OURS))
    return {(entry.group, entry.name): entry.value for entry in entries}


def _declared_entry_points(project_file: Path) -> dict[tuple[str, str], str]:
    groups = _declared(project_file, "entry-points") or {}
    ours = ((group, entries) for group, entries in groups.items() if group.startswith(OURS))
    return {(group, name): value for group, entries in ours for name, value in entries.items()}


def _declared(project_file: Path, key: str) -> Any:
    """Return what a project file says of its project under `key`; None where it says nothing, or cannot be read."""
    try:
        document: Mapping[str, Any] = tomllib.loads(project_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document.get("project", {}).get(key)


def _normalised(name: str) -> str:
    """Return the name of a distribution in the form in which all its spellings are the same (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
