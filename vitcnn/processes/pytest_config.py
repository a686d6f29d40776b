"""Finds the file that configures pytest for a suite of a revision, as pytest itself would."""

from __future__ import annotations

import configparser
import tomllib
from pathlib import Path

ALWAYS = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini")
"""Files that are pytest's own, even where they are empty."""

NAMES = (*ALWAYS, "pyproject.toml", "tox.ini", "setup.cfg")


def config_file(suite: Path, top: Path) -> Path | None:
    """Return the nearest file that configures pytest, from `suite` up to `top`; None where there is none.

    pytest looks no further than `--rootdir` asks, and anywhere else where an argument names a folder elsewhere: so the
    file is named to it.
    """
    folder = suite if suite.is_dir() else suite.parent
    for place in (folder, *folder.parents):
        for path in (place / name for name in NAMES):
            if path.is_file() and configures_pytest(path):
                return path
        if place == top:
            return None
    return None


def configures_pytest(path: Path) -> bool:
    """Whether pytest takes its settings from a file of one of these names."""
    if path.name in ALWAYS:
        return True
    try:
        if path.suffix == ".toml":
            return "pytest" in tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(path, encoding="utf-8")
    except (tomllib.TOMLDecodeError, configparser.Error, UnicodeDecodeError):
        return True  # pytest says what is wrong with it
    return parser.has_section("pytest" if path.name == "tox.ini" else "tool:pytest")
