"""Which revision of a project is measured: its git commit, and what of it was changed since."""

from __future__ import annotations

import subprocess
from hashlib import sha256
from pathlib import Path

CHANGED = "the revision changed (another commit, or other changes of tracked files)"


def git(root: Path, *arguments: str) -> str | None:
    """Return what git prints, or None where there is no git or no repository."""
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def state(root: Path) -> str:
    """Return what differs between two moments if a commit or a tracked file changed; empty without a repository."""
    commit = git(root, "rev-parse", "HEAD")
    if commit is None:
        return ""
    return f"{commit} {changes(root)}"


def changes(root: Path) -> str:
    """Return a digest of what tracked files hold otherwise than the commit; empty where nothing, or no repository."""
    found = git(root, "diff", "HEAD", "--full-index", "--no-ext-diff", "--no-textconv")
    return sha256(found.encode()).hexdigest()[:16] if found else ""


def num_uncommitted(folder: Path) -> int:
    """Return how many files of `folder` differ from those that are committed, ignored ones too; 0 without git."""
    found = git(folder, "status", "--porcelain", "--ignored", "--untracked-files=all", "--", ".")
    return len(found.splitlines()) if found else 0
