"""Compares two revisions in two live processes that take turns, so that load on the machine affects both alike."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vitcnn.errors import RecordError, RunFailed, UserError
from vitcnn.folders import require_writable
from vitcnn.gate.baseline import Recording, StoredRun
from vitcnn.gate.comparison import Comparison
from vitcnn.gate.pairs import LOOKS, MOST_PAIRS
from vitcnn.processes.expected import Tell, plan_of_pairs
from vitcnn.processes.fresh import sigterm_as_interrupt
from vitcnn.processes.live import SIDES, Command, PlayerFailed, Side, measure_pair
from vitcnn.processes.pytest_config import config_file
from vitcnn.processes.recording import new_folder
from vitcnn.processes.session import PLUGIN, file_of, paths_among
from vitcnn.processes.worktrees import (
    GUARD,
    Revision,
    checked_out,
    has_changes,
    import_path,
    repository,
    require_own_packages,
    revision,
    variables,
)
from vitcnn.progress import Steps
from vitcnn.quantity import counted
from vitcnn.record import load_run

NAMED_BY = {"--suite": "a folder", "--": "a path"}
"""What is measured, by the option that named it; behind `--` stand pytest's arguments."""


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


@dataclass(frozen=True, kw_only=True)
class Limits:
    """At most so many pairs, none after so many minutes; `remarks` say what is measured."""

    pairs: int
    minutes: float
    remarks: tuple[str, ...]


def compare_revisions(
    base: str,
    head: str,
    *,
    pairs: int,
    minutes: float,
    suite: Path,
    root: Path,
    out: Path | None = None,
    arguments: Sequence[str] = (),
    tell: Tell | None = None,
) -> Comparison:
    """Run `suite` of both revisions of the git repository around `root`, in live processes that take turns by rounds.

    Pairs of processes follow each other until every case is decided, `pairs` at most; after `minutes` none begins but
    those of the first look. Each revision is checked out below `root`/.vitcnn/compare, and taken away again at the end,
    whatever happens. Its own code runs, configured by its own files. The runs go to `out`, by default there too;
    `arguments` go to pytest, and paths among them, which are those of each revision, take the place of `suite`. `tell`
    is told before the first pair what is about to happen, by the cases of the working tree. Raises
    UserError for what cannot be used, and RunFailed, which names the side, for a run that left no result or is of
    another revision.
    """
    _require_limits(pairs, minutes)
    top, place = repository(root), new_folder(root, "compare")
    revisions: dict[Side, Revision] = {"base": revision(top, "BASE", base), "head": revision(top, "HEAD", head)}
    suite_path = _in_repository("--suite", str(suite), root, top)
    out = (out or place).absolute()
    require_writable("--out", out)
    with sigterm_as_interrupt(), checked_out(top, {place / side: revisions[side].commit for side in SIDES}):
        trees = {side: _tree(side, revisions[side], place / side, root, top) for side in SIDES}
        named = paths_among(arguments, root, *(tree.folder for tree in trees.values()))
        others = [argument for argument in arguments if argument not in named]
        measured = [_in_repository("--", path, root, top) for path in named] or [suite_path]
        for tree in trees.values():
            _require_there(tree, measured, "--" if named else "--suite")
            require_own_packages(tree.path, tree.folder, tree.import_path)
        sides = f"base {revisions['base']}, head {revisions['head']}"
        taking_turns = f"Measured alternately, round by round (base head, head base ...): {sides}."
        to_mind = _to_mind(revisions, has_changes=has_changes(root))
        limits = Limits(pairs=pairs, minutes=minutes, remarks=(taking_turns, *to_mind))
        if tell:
            command = ["-p", PLUGIN, *measured, *others]
            between = f"{trees['base']} and the {trees['head']}"
            plan = plan_of_pairs(between, command, root, least=LOOKS[0], most=pairs, minutes=minutes)
            tell(" ".join([plan, *to_mind]))
        return _until_decided(trees, limits, [*measured, *others], out)


def _require_limits(pairs: int, minutes: float) -> None:
    if not 1 <= pairs <= MOST_PAIRS:
        do = "3 pairs show the noise, and 20 pairs show small changes."
        raise UserError(field="--pairs", value=pairs, allowed=f"1 to {MOST_PAIRS}", do=do)
    if not minutes >= 0:
        raise UserError(
            field="--minutes", value=minutes, allowed="0 or more", do="10 minutes are enough for ten short cases."
        )


def _in_repository(field: str, argument: str, root: Path, top: Path) -> str:
    """Return a path or a node id as seen from `root`, which is the same in every revision."""
    file, separator, test = argument.partition("::")
    path = os.path.normpath(root / file)
    if not Path(path).is_relative_to(top):
        do = "Name one that is part of the repository."
        raise UserError(field=field, value=argument, allowed=f"{NAMED_BY[field]} in {top}", do=do)
    return f"{os.path.relpath(path, root)}{separator}{test}"


def _to_mind(revisions: Mapping[Side, Revision], *, has_changes: bool) -> tuple[str, ...]:
    """Return what may not be meant, to be told before the first pair and with the verdicts."""
    found = []
    if revisions["base"].commit == revisions["head"].commit:
        found.append("Base and head are the same revision, so all differences are noise.")
    if has_changes:
        found.append("The working tree has uncommitted changes, which are part of neither revision.")
    return tuple(found)


def _tree(side: Side, at: Revision, path: Path, root: Path, top: Path) -> Tree:
    folder = path / root.relative_to(top)
    return Tree(side=side, revision=at, path=path, folder=folder, import_path=tuple(import_path(top, path, root)))


def _require_there(tree: Tree, measured: Sequence[str], field: str) -> None:
    for path in measured:
        if not (tree.folder / file_of(path)).exists():
            do = "Name one that both revisions have."
            raise UserError(field=field, value=path, allowed=f"{NAMED_BY[field]} that the {tree} has", do=do)


def _until_decided(trees: Mapping[Side, Tree], limits: Limits, arguments: Sequence[str], out: Path) -> Comparison:
    """Measure pair after pair; what is decided at a look is not measured again."""
    runs: dict[Side, list[StoredRun]] = {side: [] for side in SIDES}
    undecided: Sequence[str] | None = None
    progress, began = Steps(), time.monotonic()
    try:
        for number in range(1, limits.pairs + 1):
            progress(number - 1, limits.pairs, f"pair {number} of at most {limits.pairs}: {_how_many(undecided)}")
            for side, run in _measured(trees, number, undecided, arguments, out).items():
                runs[side].append(run)
            found = _comparison(trees, runs, out, limits.remarks)
            if number >= LOOKS[0] and time.monotonic() - began > 60 * limits.minutes:
                break
            if number in LOOKS:
                undecided = found.undecided(found.judged("on").verdicts)
                if not undecided:
                    break
    finally:
        progress(limits.pairs, limits.pairs, "")
    return found


def _how_many(undecided: Sequence[str] | None) -> str:
    return "all cases" if undecided is None else f"{counted(len(undecided), 'case')} undecided"


def _comparison(
    trees: Mapping[Side, Tree], runs: Mapping[Side, Sequence[StoredRun]], out: Path, remarks: Sequence[str]
) -> Comparison:
    base, head = (Recording(name=str(trees[side]), runs=tuple(runs[side])) for side in SIDES)
    return Comparison(base=base, head=head, out=out, remarks=(f"Pairs measured: {len(base.runs)}.", *remarks))


def _measured(
    trees: Mapping[Side, Tree], number: int, only: Sequence[str] | None, arguments: Sequence[str], out: Path
) -> dict[Side, StoredRun]:
    """Run the suite of both; RunFailed where a side left no result that this vitcnn reads, or another revision's."""
    commands = {side: _command(tree, arguments, out / f"{side}-{number}") for side, tree in trees.items()}
    try:
        paths = measure_pair(commands, number=number, only=only)
    except PlayerFailed as error:
        raise RunFailed(f"the {trees[error.side]}: {error}") from error
    return {side: _stored(trees[side], path) for side, path in paths.items()}


def _command(tree: Tree, arguments: Sequence[str], out: Path) -> Command:
    """Name the revision's own configuration of pytest, which pytest itself looks for in other places too."""
    suite = tree.folder / file_of(arguments[0])
    configured = config_file(suite, tree.path) or tree.path.parent / GUARD
    return Command(
        arguments=["-p", PLUGIN, f"--rootdir={tree.path}", f"--config-file={configured}", *arguments],
        root=tree.folder,
        environment=variables(tree.import_path),
        out=out,
    )


def _stored(tree: Tree, path: Path) -> StoredRun:
    try:
        run = load_run(path)
    except RecordError as error:
        why = "Its vitcnn writes records that this one cannot read: compare revisions with the same format."
        raise RunFailed(f"the {tree}: {error}. {why}") from error
    commit = run.environment.git_commit
    if commit != tree.revision.commit:
        raise RunFailed(f"the {tree}: the code of {commit or 'no revision'} was measured instead of its own: {path}")
    return StoredRun(path=path, run=run)
