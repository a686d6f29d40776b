"""`vitcnn table`: what a stored run says, as text, or its figures as Markdown or CSV."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vitcnn.commands.output import num_columns, say
from vitcnn.commands.paths import GivenPath
from vitcnn.errors import RecordError, UserError

if TYPE_CHECKING:
    from vitcnn.record import Record, Run

FORMATS = ("text", "markdown", "csv")


def add_to(commands: Any) -> None:
    """Add the grammar of `vitcnn table` to the subparsers of `vitcnn`."""
    table = commands.add_parser("table", help="print a stored run as text, or its figures as Markdown or CSV")
    table.add_argument("run_path", action=GivenPath, metavar="RUN", help="a run's JSON, or its folder")
    formats = "text: all that the run ended with; markdown: its table; csv: every metric of every case; default: text"
    table.add_argument("--format", choices=FORMATS, default="text", help=formats)
    table.set_defaults(run=run_table)


def run_table(options: argparse.Namespace) -> int:
    """Print the table of a run; UserError where it measured nothing that the format shows."""
    from vitcnn.processes.fresh import RUN_JSON
    from vitcnn.record import load_run

    path = options.run_path / RUN_JSON if options.run_path.is_dir() else options.run_path
    try:
        text = shown(load_run(path), options.format)
    except RecordError as error:
        raise UserError(field="RUN", value=str(path), allowed="a run's JSON, or its folder", do=f"{error}.") from error
    if not text:
        do = "This run has none. --format csv prints every metric of every passed case, your own benchmarks included."
        allowed = "a run in which a case of an architecture passed"
        raise UserError(field="RUN", value=str(path), allowed=allowed, do=do)
    say(text.rstrip("\n"))
    return 0


def shown(run: Run, style: str) -> str:
    """Return a run in one of the formats; empty where it measured nothing that the format shows."""
    from vitcnn.questions import questions
    from vitcnn.report.export import csv_table, markdown
    from vitcnn.report.terminal import summary

    asked = tuple(questions().values())
    if style == "csv":
        return csv_table(run.records, constant={"started": run.started, "device": run.environment.device_key})
    if style == "markdown":
        return markdown(run.records, asked)
    return summary(run, asked, width=num_columns()) if run.records else ""


def table(records: Record | Sequence[Record], *, width: int | None = None) -> str:
    """Return the terminal's table of records, or of one: a row for each architecture, a column for each figure.

    It is as wide as the terminal, or `width` columns. It is empty where no record holds a figure of the table.
    """
    from vitcnn.questions import questions
    from vitcnn.record import Record
    from vitcnn.report import terminal

    chosen = [records] if isinstance(records, Record) else list(records)
    columns = num_columns() if width is None else width
    return terminal.table(chosen, tuple(questions().values()), width=columns)
