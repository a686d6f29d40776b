"""Checks out revisions of a git repository beside the working tree, and makes Python run their code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vitcnn.errors import RunFailed, UserError
from vitcnn.processes.installed import editable_projects
from vitcnn.processes.leftovers import left_behind, owned

SPECS = """
import sys
from importlib.util import find_spec
from pathlib import Path


def place(name):
    try:
        found = find_spec(name)
    except ModuleNotFoundError:
        return None
    return Path(found.origin) if found else None


package = place("vitcnn")
turns = filter(None, map(place, ("vitcnn.processes.turns", "vitcnn.turns")))
print(any(package and path.is_relative_to(package.parent) for path in turns))
print(*(place(name) for name in sys.argv[1:]), sep="\\n")
"""
"""Prints whether vitcnn takes turns, then the file that each of the named packages would be imported from.

Beside a vitcnn that lacks a module an editable installation finds its own: that one does not count.
Revisions from before the rooms have `vitcnn.turns`."""

GUARD = "pytest.ini"
"""An empty one beside the worktrees configures pytest where a revision has nothing that does."""


@dataclass(frozen=True, kw_only=True)
class Revision:
    """A revision as it was asked for, and its commit."""

    asked: str
    commit: str

    def __str__(self) -> str:
        return self.asked if self.commit.startswith(self.asked) else f"{self.asked} ({self.commit[:7]})"


def repository(folder: Path) -> Path:
    """Return the top folder of the git repository that `folder` lies in; UserError where there is none."""
    do = "Run this in a git clone of the project that contains the benchmarks to compare."
    allowed = "a folder of a git repository"
    try:
        done = _git(folder, "rev-parse", "--show-toplevel")
    except FileNotFoundError:
        do = "git is not installed, or not on the PATH."
        raise UserError(field="working directory", value=str(folder), allowed=allowed, do=do) from None
    if done.returncode != 0:
        do = f"{done.stderr.strip()}. {do}"
        raise UserError(field="working directory", value=str(folder), allowed=allowed, do=do)
    return Path(done.stdout.strip())


def revision(top: Path, field: str, asked: str) -> Revision:
    """Return the commit that `asked` names: a branch, tag or hash; UserError where the repository has none."""
    done = _git(top, "rev-parse", "--verify", "--quiet", f"{asked}^{{commit}}")
    if done.returncode != 0:
        do = "Check the spelling, or fetch it: a CI job's clone is often shallow (actions/checkout: fetch-depth: 0)."
        raise UserError(field=field, value=asked, allowed=f"a git revision that {top} has", do=do)
    return Revision(asked=asked, commit=done.stdout.strip())


def has_changes(folder: Path) -> bool:
    """Whether the working tree around `folder` has changes or new files that no commit holds."""
    return bool(_git(folder, "status", "--porcelain", "--", ":/", ":(exclude).vitcnn").stdout.strip())


@contextmanager
def checked_out(top: Path, commits: Mapping[Path, str]) -> Iterator[None]:
    """Check each commit out into its folder, all in one folder; take them away at the end, whatever happens.

    An empty pytest.ini beside them configures pytest where a revision has nothing that does. What a killed comparison
    left is taken away too.
    """
    (folder,) = {path.parent for path in commits}
    for left in left_behind(folder.parent):
        _clear(top, left, [left / path.name for path in commits])
    with owned(folder):
        (folder / GUARD).touch()
        try:
            for path, commit in commits.items():
                done = _git(top, "worktree", "add", "--quiet", "--detach", str(path), commit)
                if done.returncode != 0:
                    raise RunFailed(f"{commit[:7]} cannot be checked out into {path}: {done.stderr.strip()}")
            yield
        finally:
            _clear(top, folder, list(commits))


def _clear(top: Path, folder: Path, trees: Sequence[Path]) -> None:
    for path in trees:
        _remove(top, path)
    (folder / GUARD).unlink(missing_ok=True)


def _remove(top: Path, path: Path) -> None:
    removed = _git(top, "worktree", "remove", "--force", "--force", str(path))
    if removed.returncode != 0:  # never or only half checked out
        shutil.rmtree(path, ignore_errors=True)
        _git(top, "worktree", "prune")


def import_path(top: Path, tree: Path, folder: Path) -> list[Path]:
    """Return the folders of `tree` to import from, in place of those of the working tree `top`.

    They are that of `folder`, which the command runs in, of every project of the repository that this Python has
    installed editable, and every other that this Python imports from: such an installation, a .pth file and $PYTHONPATH
    name the working tree, whatever revision runs.
    """
    projects = dict.fromkeys([folder.relative_to(top), *(path.relative_to(top) for path in editable_projects(top))])
    places = [project / source for project in projects for source in ("src", "")]
    found = dict.fromkeys([*places, *(path.relative_to(top) for path in _imported_from(top))])
    return [tree / place for place in found if (tree / place).is_dir()]


def _imported_from(top: Path) -> list[Path]:
    """Return the folders in `top`, outside of Python's own, that this Python imports from."""
    paths = [Path(entry).resolve() for entry in sys.path if entry]
    return [path for path in paths if path.is_relative_to(top) and not path.is_relative_to(Path(sys.prefix).resolve())]


def main_checkout(tree: Path) -> Path:
    """Return the folder of the repository that `tree` is a worktree of."""
    return Path(_git(tree, "rev-parse", "--path-format=absolute", "--git-common-dir").stdout.strip() or tree).parent


def tracked_modules(tree: Path) -> set[str]:
    """Return the names of the packages that git tracks in `tree`, and of their modules, wherever they lie.

    A folder without `__init__.py` may be a namespace package, or the folder that Python imports from: both are names.
    A module in no folder is left out, since so many files share such names.
    """
    found = [Path(name) for name in _git(tree, "ls-files", "-z", "--", "*.py").stdout.split("\0") if name]
    packages = {path.parent for path in found if path.name == "__init__.py"}
    names = set()
    for path in found:
        parts = path.parent.parts if path.name == "__init__.py" else path.with_suffix("").parts
        least = 1 if path.name == "__init__.py" else 2
        names |= {".".join(parts[n:]) for n in range(len(parts) - least + 1) if Path(*parts[:n]) not in packages}
    return names


def variables(paths: Sequence[Path]) -> dict[str, str]:
    """Return the environment variables with which Python imports from `paths` before all else."""
    inherited = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([*map(str, paths), *([inherited] if inherited else [])])}


def require_own_packages(tree: Path, folder: Path, paths: Sequence[Path]) -> None:
    """Raise RunFailed where a package that lies in `paths` would be imported from outside of `tree`.

    Also where the vitcnn that would run takes no turns.
    """
    names = sorted({found.parent.name for path in paths for found in path.glob("*/__init__.py")})
    takes_turns, *origins = _specs(folder, paths, names)
    strange = {name: origin for name, origin in zip(names, origins, strict=True) if not _is_in(tree, origin)}
    if strange:
        listed = ", ".join(f"{name} from {origin}" for name, origin in strange.items())
        raise RunFailed(
            f"Python would not run the checked-out code: it imports {listed}. Install the project in another way "
            f"(pip install --no-deps -e . with setuptools, hatchling or flit puts PYTHONPATH first)."
        )
    if takes_turns != "True":
        why = "Both revisions need a newer one: merge it into the older revision, or install it for both."
        raise RunFailed(f"the vitcnn that would run in {folder} is too old for `vitcnn compare`. {why}")


def _specs(folder: Path, paths: Sequence[Path], names: Sequence[str]) -> list[str]:
    """Return what SPECS prints, in lines."""
    done = subprocess.run(
        [sys.executable, "-c", SPECS, *names],
        cwd=folder,
        env={**os.environ, **variables(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.rstrip().splitlines()
    if done.returncode != 0 or len(lines) != 1 + len(names):
        raise RunFailed(f"Python does not start in {folder}: {done.stderr.strip()}")
    return lines


def _is_in(tree: Path, origin: str) -> bool:
    return Path(origin).resolve().is_relative_to(tree.resolve())


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
