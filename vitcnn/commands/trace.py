"""`vitcnn trace`: where the time of traced runs goes, and why one takes longer than another."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitcnn.commands.output import num_columns, say
from vitcnn.commands.paths import GivenPath
from vitcnn.errors import UserError

if TYPE_CHECKING:
    from vitcnn.tracing.summary import Summary

FIELD = "TRACE"
MOST = 2
"""Of more traces there is no difference."""


def add_to(commands: Any) -> None:
    """Add the grammar of `vitcnn trace` to the subparsers of `vitcnn`."""
    trace = commands.add_parser("trace", help="say where the time of traced runs goes, or compare two of them")
    trace.add_argument(
        "traces",
        nargs="+",
        action=GivenPath,
        metavar=FIELD,
        help="a trace that `pytest benchmarks --trace DIR` recorded, or a folder of such; of two, the difference is "
        "explained, and of two folders that of the cases that both hold",
    )
    trace.set_defaults(run=run_trace)


def run_trace(options: argparse.Namespace) -> int:
    """Print what the traces say; UserError where one cannot be read, after those that can."""
    if len(options.traces) > MOST:
        do = "Name a folder to see all of its traces."
        value = " ".join(map(str, options.traces))
        raise UserError(field=FIELD, value=value, allowed="one or two traces, or folders of them", do=do)
    if len(options.traces) == 1:
        tell_all(options.traces[0])
    else:
        tell_differences(*options.traces)
    return 0


def tell_all(path: Path) -> None:
    """Print each trace below `path`; the first one that cannot be read is the error, once all others are printed."""
    from vitcnn.report.traces import trace_text
    from vitcnn.tracing.summary import summary_of_file
    from vitcnn.tracing.trace_file import traces_in

    faults: list[UserError] = []
    for file in traces_in(path, FIELD):
        try:
            say(f"{trace_text(summary_of_file(file, FIELD), width=num_columns())}\n")
        except UserError as error:
            faults.append(error)
    if faults:
        raise faults[0]


def tell_differences(left: Path, right: Path) -> None:
    """Print the difference between two traces, or between those of each case that two folders hold."""
    from vitcnn.report.traces import difference_text
    from vitcnn.tracing.difference import difference

    for one, other in pairs(left, right):
        say(f"{difference_text(difference(one, other), width=num_columns())}\n")


def pairs(left: Path, right: Path) -> list[tuple[Summary, Summary]]:
    """Return what to compare: two traces, or of two folders with several those at the same place in both."""
    from vitcnn.tracing.summary import summary_of_file
    from vitcnn.tracing.trace_file import traces_in

    files = traces_in(left, FIELD), traces_in(right, FIELD)
    if [len(found) for found in files] != [1, 1]:
        files = in_both(left, files[0], right, files[1])
    return [(summary_of_file(one, FIELD), summary_of_file(other, FIELD)) for one, other in zip(*files, strict=True)]


def in_both(
    left: Path, of_left: Sequence[Path], right: Path, of_right: Sequence[Path]
) -> tuple[list[Path], list[Path]]:
    """Return the traces at places that both folders have; UserError where there is no such place."""
    there = {file.relative_to(right) for file in of_right} if right.is_dir() else set()
    places = [file.relative_to(left) for file in of_left if file.relative_to(left) in there] if left.is_dir() else []
    if not places:
        do = f"Name the folder of one case in each, such as {of_left[0].parent} and {of_right[-1].parent}."
        allowed = "two traces, or two folders that hold traces of the same cases"
        raise UserError(field=FIELD, value=f"{left} {right}", allowed=allowed, do=do)
    return [left / place for place in places], [right / place for place in places]
