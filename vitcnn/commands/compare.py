"""`vitcnn compare`: measures two git revisions alternately on this machine and compares them, without a baseline."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitcnn.commands.gate import CANNOT_JUDGE, exit_status
from vitcnn.commands.output import num_columns, say, tell
from vitcnn.commands.paths import GivenPath
from vitcnn.commands.pytest_arguments import HELP, USAGE
from vitcnn.errors import RunFailed, UserError
from vitcnn.gate.verdict import MODES
from vitcnn.suite import DEFAULT_FOLDER

if TYPE_CHECKING:
    from vitcnn.gate.comparison import Comparison

ENERGY = "--energy"


def add_to(commands: Any) -> None:
    """Add the parser of `vitcnn compare`."""
    compare = commands.add_parser(
        "compare",
        usage=f"vitcnn compare BASE [HEAD] [--pairs N] [--minutes N] [--suite DIR] [--mode MODE] [--out DIR] {USAGE}",
        help="measure two git revisions alternately and compare the second with the first",
        epilog=f"{HELP}. Exit status: 0 green, 1 red, 2 wrong usage, 3 if something cannot be measured or judged.",
    )
    compare.add_argument("base", metavar="BASE", help="the old revision: a branch, tag or commit")
    compare.add_argument("head", nargs="?", default="HEAD", metavar="HEAD", help="the new revision; default: HEAD")
    compare.add_argument(
        "--pairs", type=int, default=20, metavar="N", help="maximum number of pairs of processes; default: 20"
    )
    compare.add_argument(
        "--minutes",
        type=float,
        default=30.0,
        metavar="N",
        help="start no new pair after this time, except for the first 3; default: 30",
    )
    suite_help = "the folder that contains the cases; default: benchmarks"
    compare.add_argument("--suite", action=GivenPath, default=DEFAULT_FOLDER, metavar="DIR", help=suite_help)
    compare.add_argument(
        "--mode",
        choices=MODES,
        default="allow-new",
        help="which verdicts are red, as for --gate of pytest; default: allow-new, which accepts "
        "cases without a result in BASE",
    )
    compare.add_argument(
        "--out",
        action=GivenPath,
        metavar="DIR",
        help="the folder for the runs and gate.md; default: .vitcnn/compare/TIME",
    )
    compare.set_defaults(run=run_compare, arguments=())


def run_compare(options: argparse.Namespace) -> int:
    """Measure both revisions, print and write the verdicts; return the exit status."""
    from vitcnn.report.step_summary import write_markdown
    from vitcnn.report.verdicts import markdown, terminal

    if ENERGY in options.arguments:
        do = "The counter of the energy would count the work of both revisions. Leave it out."
        raise UserError(field="--", value=ENERGY, allowed="options that select what is measured", do=do)
    try:
        comparison = _compared(options)
    except RunFailed as error:
        print(f"vitcnn: {error}", file=sys.stderr)
        return CANNOT_JUDGE
    judgement = comparison.judged(options.mode)
    write_markdown(markdown(judgement, options.mode, advice={}), comparison.out)
    text = terminal(judgement, options.mode, width=num_columns(), advice={})
    say(f"{text}\nRuns: {comparison.out}")
    return exit_status(judgement, options.mode)


def _compared(options: argparse.Namespace) -> Comparison:
    from vitcnn.processes.revisions import compare_revisions

    return compare_revisions(
        options.base,
        options.head,
        pairs=options.pairs,
        minutes=options.minutes,
        suite=options.suite,
        out=options.out,
        root=Path.cwd(),
        arguments=options.arguments,
        tell=tell,
    )
