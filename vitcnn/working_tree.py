"""Which revision of a project is measured: its git commit, and what of it was changed since."""

from __future__ import annotations

import subprocess
from hashlib import sha256
from pathlib import Path

CHANGED = "the revision changed (another commit, or other changes of tracked files or of new Python files)"

ENVIRONMENT = "pyvenv.cfg"
"""Marks the folder of a virtual environment."""

CONTENTS = ("--full-index", "--no-ext-diff", "--no-textconv", "--submodule=diff", "--ignore-submodules=none")
"""Let `git diff` show what files hold, those of submodules too, whatever the user's configuration says."""


def git(root: Path, *arguments: str) -> str | None:
    """Return what git prints, or None where there is no git or no repository."""
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def state(root: Path) -> str:
    """Return what differs between two moments if a commit or a file of `changes` did; empty without a repository."""
    commit = git(root, "rev-parse", "HEAD")
    if commit is None:
        return ""
    return f"{commit} {changes(root)}"


def contents(folder: Path) -> str:
    """Return what differs between two states of the repository around `folder`; empty without a repository.

    Two commits of the same files are the same state. New files count as `changes` says.
    """
    tree = git(folder, "rev-parse", "HEAD^{tree}")
    return "" if tree is None else f"{tree} {changes(folder)}"


def changes(root: Path) -> str:
    """Return a digest of what changed since the commit; empty where nothing did, or without a repository.

    That is in tracked files, and in new Python files that git does not ignore. A run writes other new files itself.
    """
    found = git(root, "diff", "HEAD", *CONTENTS) or ""
    top = Path(git(root, "rev-parse", "--show-toplevel") or root)
    new = [f"{name}\0{_digest(top / name)}" for name in _new_python_files(top)]
    return sha256("\0".join([found, *new]).encode()).hexdigest()[:16] if found or new else ""


def _new_python_files(top: Path) -> list[Path]:
    """Return the Python files that git neither tracks nor ignores, but for those of virtual environments."""
    listed = git(top, "ls-files", "-z", "--others", "--exclude-standard", "--", "*.py", f"*{ENVIRONMENT}") or ""
    found = [Path(name) for name in listed.split("\0") if name]
    environments = {path.parent for path in found if path.name == ENVIRONMENT}
    return [path for path in found if path.suffix == ".py" and environments.isdisjoint(path.parents)]


def _digest(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "unreadable"


def num_uncommitted(folder: Path) -> int:
    """Return how many files of `folder` differ from those that are committed, ignored ones too; 0 without git."""
    found = git(folder, "status", "--porcelain", "--ignored", "--untracked-files=all", "--", ".")
    return len(found.splitlines()) if found else 0
