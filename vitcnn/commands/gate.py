"""`vitcnn gate`: the verdicts of `pytest --gate`, from files alone."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitcnn.commands.output import say
from vitcnn.commands.paths import GivenPath
from vitcnn.errors import UserError
from vitcnn.gate.verdict import MODES

if TYPE_CHECKING:
    from vitcnn.gate.verdict import Judgement, Mode

GREEN, IS_RED, CANNOT_JUDGE = 0, 1, 3
"""Exit statuses; 2 is that of usage errors."""


def add_to(commands: Any) -> None:
    """Add the grammar of `vitcnn gate` to the subparsers of `vitcnn`."""
    gate = commands.add_parser(
        "gate",
        help="judge runs by stored baselines, from their JSON alone",
        epilog="Exit status: 0 green, 1 red, 2 usage, 3 where something cannot be judged.",
    )
    gate.add_argument(
        "current",
        nargs="+",
        action=GivenPath,
        metavar="CURRENT",
        help="a run's JSON, or its folder, of which the reruns count too; further ones, of one revision, add to it",
    )
    gate.add_argument(
        "--baseline",
        action=GivenPath,
        required=True,
        metavar="DIR",
        help="the stored runs of a device, or of all: benchmarks/baselines",
    )
    gate.add_argument("--mode", choices=MODES, default="on", help="what is red, as for pytest's --gate; default: on")
    gate.add_argument(
        "--out", action=GivenPath, metavar="DIR", help="also write the verdicts to gate.md in this folder"
    )
    gate.set_defaults(run=run_gate)


def run_gate(options: argparse.Namespace) -> int:
    """Print and write the verdicts; return the exit status."""
    from shutil import get_terminal_size

    from vitcnn.commands.offline import judge_files, run_files
    from vitcnn.folders import require_writable
    from vitcnn.report.step_summary import write_markdown
    from vitcnn.report.verdicts import markdown, terminal

    files = [file for path in options.current for file in run_files(path)]
    _require_different(files)
    if options.out:
        require_writable("--out", options.out)
    judgement = judge_files(files, options.baseline, counts_only=options.mode == "counts")
    write_markdown(markdown(judgement, options.mode), options.out)
    say(terminal(judgement, options.mode, width=get_terminal_size().columns))
    return exit_status(judgement, options.mode)


def exit_status(judgement: Judgement, mode: Mode) -> int:
    """Return 3 where something cannot be judged, 1 where something else is red, 0 where nothing is."""
    if judgement.is_invalid:
        return CANNOT_JUDGE
    return IS_RED if judgement.red(mode) else GREEN


def _require_different(files: Sequence[Path]) -> None:
    """Raise UserError where a file is given twice: what it holds would count as two measurements."""
    path, times = Counter(file.resolve() for file in files).most_common(1)[0]
    if times > 1:
        raise UserError(field="CURRENT", value=str(path), allowed="each run once", do="It would count as two.")
