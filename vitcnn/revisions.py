"""Two revisions against each other: run in turns, so that the machine's drift cancels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from vitcnn.baseline import Recording, StoredRun
from vitcnn.comparison import Comparison
from vitcnn.errors import RecordError, RunFailed, UserError
from vitcnn.folders import require_writable
from vitcnn.fresh import measure_in_fresh_process
from vitcnn.progress import ProgressBar
from vitcnn.record import load_run
from vitcnn.recording import new_folder
from vitcnn.worktrees import (
    Revision,
    checked_out,
    has_changes,
    import_path,
    repository,
    require_own_packages,
    revision,
    variables,
)

Side = Literal["base", "head"]
SIDES: tuple[Side, ...] = get_args(Side)


@dataclass(frozen=True, kw_only=True)
class Tree:
    """One side's revision, where it is checked out, and the folder in it that stands for the working directory."""

    side: Side
    revision: Revision
    path: Path
    folder: Path
    import_path: tuple[Path, ...]

    def __str__(self) -> str:
        return f"{self.side} {self.revision}"


def compare(
    base: str,
    head: str,
    *,
    pairs: int,
    suite: Path,
    root: Path,
    out: Path | None = None,
    arguments: Sequence[str] = (),
) -> Comparison:
    """Run `suite` of both revisions of the git repository around `root`, in turns in fresh processes, `pairs` of each.

    Each revision is checked out below `root`/.vitcnn/compare, and taken away again at the end, whatever happens. Its
    own code runs. The runs go to `out`, by default there too; `arguments` go to pytest. Raises UserError for what
    cannot be used, and RunFailed, which names the side, for a run that left no result or is of another revision.
    """
    if pairs < 1:
        raise UserError(field="--pairs", value=pairs, allowed="1 or more", do="5 show what noise is.")
    top, place = repository(root), new_folder(root, "compare")
    revisions: dict[Side, Revision] = {"base": revision(top, "BASE", base), "head": revision(top, "HEAD", head)}
    measured_suite = _in_repository(suite, root, top)
    out = (out or place).absolute()
    require_writable("--out", out)
    remarks = _remarks(revisions, pairs, has_changes=has_changes(root))
    with checked_out(top, {place / side: revisions[side].commit for side in SIDES}):
        trees = {side: _tree(side, revisions[side], place / side, root, top) for side in SIDES}
        for tree in trees.values():
            _require_suite(tree, measured_suite)
            require_own_packages(tree.path, tree.folder, tree.import_path)
        runs = _measured_in_turns(trees, pairs, [measured_suite, *arguments], out)
    recordings = {side: Recording(name=str(trees[side]), runs=tuple(runs[side])) for side in SIDES}
    return Comparison(**recordings, out=out, remarks=remarks)


def turns(pairs: int) -> Iterator[tuple[Side, int]]:
    """Yield side and number of each run: base 1, head 1, head 2, base 2, base 3 ... A steady drift cancels."""
    for number in range(1, pairs + 1):
        for side in SIDES if number % 2 else reversed(SIDES):
            yield side, number


def _in_repository(suite: Path, root: Path, top: Path) -> str:
    """Return the suite's path from `root`, which is the same in every revision."""
    path = os.path.normpath(root / suite)
    if not Path(path).is_relative_to(top):
        do = "Name one that the revisions hold."
        raise UserError(field="--suite", value=str(suite), allowed=f"a folder in {top}", do=do)
    return os.path.relpath(path, root)


def _remarks(revisions: Mapping[Side, Revision], pairs: int, *, has_changes: bool) -> tuple[str, ...]:
    base, head = revisions["base"], revisions["head"]
    how = "in turns (base head, head base ...)" if pairs > 1 else "one after the other"
    found = [f"Measured {pairs} times each, in fresh processes, {how}: base {base}, head {head}."]
    if base.commit == head.commit:
        found.append("Base and head are the same revision: whatever differs is noise.")
    if has_changes:
        found.append("The working tree has changes that no commit holds: they are in neither side.")
    return tuple(found)


def _tree(side: Side, at: Revision, path: Path, root: Path, top: Path) -> Tree:
    folder = path / root.relative_to(top)
    return Tree(side=side, revision=at, path=path, folder=folder, import_path=tuple(import_path(top, path, root)))


def _require_suite(tree: Tree, suite: str) -> None:
    if not (tree.folder / suite).exists():
        do = "Name one by --suite that base and head have."
        raise UserError(field="--suite", value=suite, allowed=f"a folder that the {tree} has", do=do)


def _measured_in_turns(
    trees: Mapping[Side, Tree], pairs: int, arguments: Sequence[str], out: Path
) -> dict[Side, list[StoredRun]]:
    found: dict[Side, list[StoredRun]] = {side: [] for side in SIDES}
    progress = ProgressBar()
    try:
        for done, (side, number) in enumerate(turns(pairs)):
            progress(done, 2 * pairs, f"run {done + 1} of {2 * pairs}: {side}")
            found[side].append(_measured(trees[side], arguments, out / f"{side}-{number}"))
    finally:
        progress(2 * pairs, 2 * pairs, "")
    return found


def _measured(tree: Tree, arguments: Sequence[str], out: Path) -> StoredRun:
    """Run the suite once; RunFailed where it left no result that this vitcnn reads, or another revision's."""
    command, added = [f"--rootdir={tree.path}", *arguments], variables(tree.import_path)
    try:
        path = measure_in_fresh_process(command, out=out, root=tree.folder, environment=added)
        run = load_run(path)
    except RunFailed as error:
        raise RunFailed(f"the {tree}: {error}") from error
    except RecordError as error:
        why = "Its vitcnn writes records that this one does not read: compare revisions that write the same."
        raise RunFailed(f"the {tree}: {error}. {why}") from error
    commit = run.environment.git_commit
    if commit != tree.revision.commit:
        raise RunFailed(f"the {tree}: not its code was measured, but that of {commit or 'no revision'}: {path}")
    return StoredRun(path=path, run=run)
