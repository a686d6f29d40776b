"""`vitcnn run`: the suite of this folder, or the package's own, by pytest in this process."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from vitcnn.gate.verdict import MODES
from vitcnn.spec import PRESETS

OPTIONS = (
    "--arch",
    "--task",
    "--recipe",
    "--weights",
    "--seeds",
    "--data-root",
    "--out",
    "--resume",
    "--trace",
    "--gate-reruns",
    "-k",
    "-m",
)
"""Options of the session that take a value; like those below they stand here for shell completion alone."""

SWITCHES = ("--count-instructions", "--energy", "--benchmark-compare", "--collect-only", "--help")


def add_to(commands: Any) -> None:
    """Add the grammar of `vitcnn run` to the subparsers of `vitcnn`; pytest reads what stands behind it."""
    run = commands.add_parser(
        "run", add_help=False, help="run the suite here, or the package's own; takes pytest's options"
    )
    for name in OPTIONS:
        run.add_argument(name)
    for name in SWITCHES:
        run.add_argument(name, action="store_true")
    run.add_argument("--device", choices=("auto", "cpu", "cuda"))
    run.add_argument("--preset", choices=PRESETS)
    run.add_argument("--gate", nargs="?", choices=MODES)
    run.add_argument("paths", nargs="*", metavar="PATH")
    run.set_defaults(run=run_suite, pytest_arguments=())


def run_suite(options: argparse.Namespace) -> int:
    """Run pytest; return its exit status."""
    import pytest

    from vitcnn.processes.session import session_arguments
    from vitcnn.suite import default_suite

    return int(pytest.main(session_arguments(default_suite(), options.pytest_arguments, Path.cwd())))
