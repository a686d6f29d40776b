"""Formats the trade-offs and the compact table at the end of a run."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from tabulate import tabulate

from vitcnn.quantity import counted
from vitcnn.record import Record, Run
from vitcnn.report.claims import published
from vitcnn.report.columns import ABSENT, Column, shown_cell
from vitcnn.report.guessing import guessing
from vitcnn.report.noisy_times import LEGEND, MARK, noise
from vitcnn.report.other_cells import other_cells
from vitcnn.report.tradeoffs import tradeoffs
from vitcnn.spec import FAMILIES

WITH_INTERVAL = ("accuracy", "sequences")
"""Questions whose columns show accuracies with their intervals."""

ONE_SEED = "Accuracy of one seed: its interval is over the test images alone."


class Shown(Protocol):
    """A question, as far as a report needs to know it."""

    @property
    def name(self) -> str:
        """What records call it."""

    @property
    def told(self) -> Mapping[str, str]:
        """In what words the trade-offs tell its metrics."""

    @property
    def columns(self) -> Callable[[Sequence[Record]], list[Column]]:
        """Its columns of the table."""

    @property
    def section(self) -> Callable[..., str]:
        """Its text below the table."""


def told_by(questions: Sequence[Shown]) -> dict[tuple[str, str], str]:
    """Return in what words the metrics of all questions are told, by the names of both."""
    return {(question.name, metric): words for question in questions for metric, words in question.told.items()}


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What the table holds: a row for each of `names`, (family, architecture), and by each column's title its cells.

    `titles` are those of each question's columns. `cases` are what the columns show, and `notes` what marks mean and
    what is to be known of the numbers.
    """

    names: list[tuple[str, str]]
    values: dict[str, list[str]]
    titles: list[list[str]]
    cases: list[str]
    notes: list[str]


def of_the_suite(records: Sequence[Record]) -> list[Record]:
    """Return the records of cases, without those of a user's own benchmarks."""
    return [record for record in records if record.architecture and record.settings.get("question") != "own"]


def grid(measured: Sequence[Record], questions: Sequence[Shown]) -> Grid | None:
    """Return what the table of records holds, families together; None where it would show nothing."""
    records = of_the_suite(measured)
    order: dict[str, int] = {family: rank for rank, family in enumerate(FAMILIES)}
    names = dict.fromkeys((r.family, r.architecture) for r in sorted(records, key=lambda r: order[r.family]))
    every = [column for question in questions for column in question.columns(records)]
    shown = [column for column in every if any(map(column.fits, records))]
    if not shown:
        return None
    cells = {column.title: shown_cell(column, records) for column in shown}
    values = {column.title: [_entry(column, cells, records, name) for _, name in names] for column in shown}
    titles = [[column.title for column in columns] for _, columns in groupby(shown, key=lambda column: column.question)]
    cases = list(dict.fromkeys(cells.values()))
    return Grid(names=list(names), values=values, titles=titles, cases=cases, notes=_legends(values, records))


def table(records: Sequence[Record], questions: Sequence[Shown], *, width: int) -> str:
    """Return one row for each architecture, families together; as many tables as `width` needs, each of some columns.

    A table leaves out the architectures of which it would show nothing. Below stand the cases that have no column.
    """
    found = grid(records, questions)
    if found is None:
        return ""
    notes = [f"Shown: {', '.join(found.cases)}", *found.notes]
    below = "\n".join(textwrap.fill(note, width, break_on_hyphens=False) for note in notes)
    others = other_cells(of_the_suite(records), [question.columns for question in questions], width=width)
    shown = "\n\n".join(_tables(found.names, found.values, width))
    return f"{shown}\n{below}\n\n{others}".rstrip()


def _legends(values: dict[str, list[str]], records: list[Record]) -> list[str]:
    """Return what marks in the table mean, that an interval knows one seed alone, and who guesses, where it is so."""
    has_mark = any(text.endswith(MARK) for texts in values.values() for text in texts)
    of_one = any(r.settings["question"] in WITH_INTERVAL and len(r.samples("test_accuracy")) == 1 for r in records)
    return [*([LEGEND] if has_mark else []), *([ONE_SEED] if of_one else []), *guessing(records)]


def _tables(names: list[tuple[str, str]], values: dict[str, list[str]], width: int) -> list[str]:
    """Return tables that are no wider than `width`, or of one column each, with all columns in their order."""
    tables: list[str] = []
    titles: list[str] = []
    for title in values:
        if titles and _width(_render(names, values, [*titles, title])) > width:
            tables.append(_render(names, values, titles))
            titles = []
        titles.append(title)
    return [*tables, _render(names, values, titles)]


def _render(names: list[tuple[str, str]], values: dict[str, list[str]], titles: list[str]) -> str:
    rows = [[*name, *(values[title][row] for title in titles)] for row, name in enumerate(names)]
    filled = [row for row in rows if set(row[2:]) != {ABSENT}]
    headers = ["family", "architecture", *titles]
    return tabulate(filled, headers=headers, tablefmt="simple", stralign="right", disable_numparse=True)


def _width(text: str) -> int:
    return max(map(len, text.splitlines()))


def _entry(column: Column, cells: dict[str, str], records: list[Record], name: str) -> str:
    of_name = [record for record in records if record.architecture == name and column.fits(record)]
    return next((column.text(r) for r in of_name if r.cell == cells[column.title]), ABSENT)


def _filled(line: str, width: int) -> str:
    """Return a line of the summary in lines of this width; addresses and ids are not broken at their hyphens."""
    return textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False)


def _skipped(run: Run) -> list[str]:
    """Return why cases were skipped, the most frequent reasons first."""
    reasons = Counter(case.reason for case in run.cases if case.outcome == "skipped" and case.reason)
    more = len(reasons) - MOST_REASONS
    shown = [f"Skipped, {counted(count, 'case')}: {reason}" for reason, count in reasons.most_common(MOST_REASONS)]
    return [*shown, *([f"... and {counted(more, 'more reason')}, in the JSON."] if more > 0 else [])]


MOST_REASONS = 3
"""Reasons of skipped cases that the summary names."""


def summary(run: Run, questions: Sequence[Shown], *, width: int) -> str:
    """Return the trade-offs, the table, what questions show of their own, and a line on what did not pass.

    The table has the columns of `questions`, in their order.
    """
    outcomes = Counter(case.outcome for case in run.cases)
    counts = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(outcomes.items()))
    lines = [textwrap.fill(line, width, subsequent_indent="  ") for line in tradeoffs(run, told_by(questions))]
    parts = [
        "\n".join(lines),
        table(run.records, questions, width=width),
        *(question.section(run, width=width) for question in questions),
        published(run, width=width),
        textwrap.fill(noise(run), width),
        "\n".join(_filled(line, width) for line in (f"Cases: {counts}.", *_skipped(run))),
    ]
    return "\n\n".join(part for part in parts if part)
