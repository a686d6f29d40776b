"""`vitcnn gate`: gives the verdicts of `pytest --gate` by reading stored runs, without measuring."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitcnn.commands.output import num_columns, say
from vitcnn.commands.paths import GivenPath
from vitcnn.errors import UserError
from vitcnn.gate.verdict import MODES

if TYPE_CHECKING:
    from vitcnn.gate.verdict import Judgement, Mode

GREEN, IS_RED, CANNOT_JUDGE = 0, 1, 3
"""Exit statuses; 2 is that of usage errors."""


def add_to(commands: Any) -> None:
    """Add the parser of `vitcnn gate`."""
    gate = commands.add_parser(
        "gate",
        help="compare stored runs with a baseline, without measuring",
        epilog="Exit status: 0 green, 1 red, 2 wrong usage, 3 if something cannot be judged.",
    )
    gate.add_argument(
        "current",
        nargs="+",
        action=GivenPath,
        metavar="CURRENT",
        help="the JSON file of a run, or the folder of a run, which includes its reruns; several runs must be of one "
        "revision and are judged together",
    )
    gate.add_argument(
        "--baseline",
        action=GivenPath,
        required=True,
        metavar="DIR",
        help="the baselines of a device, or the folder of all devices' baselines, such as benchmarks/baselines",
    )
    mode_help = "which verdicts are red, as for --gate of pytest; default: on"
    gate.add_argument("--mode", choices=MODES, default="on", help=mode_help)
    gate.add_argument(
        "--out", action=GivenPath, metavar="DIR", help="also write the verdicts to gate.md in this folder"
    )
    gate.set_defaults(run=run_gate)


def run_gate(options: argparse.Namespace) -> int:
    """Print and write the verdicts; return the exit status."""
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
    say(terminal(judgement, options.mode, width=num_columns()))
    return exit_status(judgement, options.mode)


def exit_status(judgement: Judgement, mode: Mode) -> int:
    """Return 3 if something cannot be judged, otherwise 1 if a verdict is red, otherwise 0."""
    if judgement.is_invalid:
        return CANNOT_JUDGE
    return IS_RED if judgement.red(mode) else GREEN


def _require_different(files: Sequence[Path]) -> None:
    """Raise UserError if a file is given twice, because it would count as two measurements."""
    path, times = Counter(file.resolve() for file in files).most_common(1)[0]
    if times > 1:
        raise UserError(
            field="CURRENT",
            value=str(path),
            allowed="each run once",
            do="Name it once: otherwise the same run would count as two measurements.",
        )
