"""`vitcnn noise`: how much repeated runs differ on this machine, and how small a change the gate can detect."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitcnn.commands.output import num_columns, tell
from vitcnn.commands.paths import GivenPath
from vitcnn.commands.pytest_arguments import HELP, USAGE
from vitcnn.errors import UserError
from vitcnn.suite import default_suite

if TYPE_CHECKING:
    from vitcnn.record import Run

RUNS = 10
LEAST_RUNS = 2


def add_to(commands: Any) -> None:
    """Add the parser of `vitcnn noise`."""
    noise = commands.add_parser(
        "noise",
        usage=f"vitcnn noise [--runs N | --from PATH ...] [--suite DIR] {USAGE}",
        help="run the unchanged suite several times to find out how small a change the gate can detect",
        epilog=HELP,
    )
    where = noise.add_mutually_exclusive_group()
    where.add_argument("--runs", type=int, default=RUNS, metavar="N", help=f"number of processes; default: {RUNS}")
    where.add_argument(
        "--from",
        dest="sources",
        nargs="+",
        action=GivenPath,
        metavar="PATH",
        help="read stored runs instead: their JSON files, folders of runs, or the folder of a device's baselines",
    )
    suite_help = "the folder that contains the cases; default: benchmarks, or the package's own suite"
    noise.add_argument("--suite", action=GivenPath, metavar="DIR", help=suite_help)
    noise.set_defaults(run=run_noise, arguments=())


def run_noise(options: argparse.Namespace) -> int:
    """Measure or read the runs, and print how much they differ."""
    from vitcnn.gate.spread import noise_of
    from vitcnn.report.noise import noise_text

    runs = _read(options) if options.sources else _measured(options)
    print(noise_text(noise_of(runs), runs, width=num_columns()))
    return 0


def _measured(options: argparse.Namespace) -> list[Run]:
    from vitcnn.processes.recording import good_runs, new_folder

    if options.runs < LEAST_RUNS:
        raise UserError(
            field="--runs",
            value=options.runs,
            allowed=f"{LEAST_RUNS} or more",
            do="10 runs give a much better estimate.",
        )
    root = Path.cwd()
    folder = new_folder(root, "noise")
    kept = folder.relative_to(root)
    print(f"The runs are kept in {kept}. `vitcnn noise --from {kept}` reads them again.", file=sys.stderr)
    measured = good_runs(
        suite=options.suite or default_suite(),
        root=root,
        folder=folder,
        runs=options.runs,
        arguments=options.arguments,
        so="the noise cannot be determined",
        tell=tell,
    )
    return [stored.run for stored in measured]


def _read(options: argparse.Namespace) -> list[Run]:
    """Return the runs of the files and folders; UserError if there are too few, or several revisions or devices."""
    from vitcnn.processes.recording import other_conditions
    from vitcnn.record import load_run

    if options.arguments:
        do = "Leave out one of the two."
        raise UserError(field="--", value=" ".join(options.arguments), allowed="no pytest arguments with --from", do=do)
    files = _files(options.sources)
    runs = [load_run(file) for file in files]
    if len(runs) < LEAST_RUNS:
        allowed = f"{LEAST_RUNS} runs or more"
        raise UserError(field="--from", value=len(runs), allowed=allowed, do="10 runs give a much better estimate.")
    for file, run in zip(files, runs, strict=True):
        if run.resumed:
            allowed = "runs that one process measured, and this one was resumed from an interrupted run"
            raise UserError(field="--from", value=str(file), allowed=allowed, do="Leave it out.")
        other = other_conditions(runs[0], run)
        if other:
            allowed = f"runs of one revision on one device; compared with {files[0]}, this run has {other}"
            raise UserError(field="--from", value=str(file), allowed=allowed, do="Leave out the runs that differ.")
    return runs


def _files(sources: Sequence[Path]) -> list[Path]:
    """Return the files of the runs, each once: of a folder every run.json below it, or, as in a store, every JSON."""
    from vitcnn.processes.fresh import RUN_JSON

    found: list[Path] = []
    for source in sources:
        if not source.exists():
            do = "Check the spelling."
            raise UserError(field="--from", value=str(source), allowed="the path of a run, or of a folder", do=do)
        found += (sorted(source.rglob(RUN_JSON)) or sorted(source.rglob("*.json"))) if source.is_dir() else [source]
    return list({file.resolve(): file for file in found}.values())
