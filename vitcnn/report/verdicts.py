"""Formats the verdicts of the gate as text: for a terminal, and as Markdown for the summary of a CI job."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from shlex import quote
from statistics import median

from tabulate import tabulate

from vitcnn.gate.verdict import KINDS, Judgement, Kind, Mode, Verdict
from vitcnn.metrics import is_time, metrics
from vitcnn.quantity import counted, percent
from vitcnn.record import Run

HEADERS = ("verdict", "case", "metric", "change", "why")
SINCE_OLDEST = "Since the oldest baseline, step by step: "

GAP = 2
"""Blanks between the columns of a table."""

LEAST_REASON = 40
"""Columns that a reason needs beside the others; with fewer it stands below its case."""

MOST_LINES = 200
"""Lines of a list in Markdown: GitHub drops a summary of more than 1 MiB."""

COMPARED: frozenset[Kind] = frozenset({"WORSE", "INCONCLUSIVE", "BETTER", "SAME"})
"""Verdicts on a figure that was set beside the baseline's."""

LONGEST_REASON = 1000
"""Characters of a reason in Markdown, for the same limit."""

Advice = Mapping[Kind, str]

ADVICE: Advice = {
    "WORSE": "WORSE: fix the code. If the change is intended, run `vitcnn baseline record` and commit the baseline.",
    "NEW": "NEW: run `vitcnn baseline record` and commit the baseline.",
    "INCONCLUSIVE": "INCONCLUSIVE: measure again on a quiet machine, or give the case a larger tolerance.",
    "BETTER": (
        "BETTER: run `vitcnn baseline record` and commit the new baseline. By the old one, a later regression could go "
        "unnoticed."
    ),
}
"""What to do about a verdict by stored baselines, where its reason does not say it."""


def terminal(judgement: Judgement, mode: Mode, *, width: int, advice: Advice = ADVICE) -> str:
    """Return a line for each verdict that is not SAME, the worst first; drift, remarks, advice; green or red."""
    table = _table([verdict for verdict in judgement.verdicts if verdict.kind != "SAME"], width)
    lines = [*_drift(judgement, str), *judgement.remarks, *_advised(judgement, advice), _closing(judgement, mode)]
    filled = "\n".join(_filled(line, width, indent="  ") for line in lines)
    return f"{table}\n\n{filled}" if table else filled


def markdown(judgement: Judgement, mode: Mode, *, advice: Advice = ADVICE) -> str:
    """Return the same as Markdown: a heading, a table, and lists of drift and of remarks."""
    shown = [verdict for verdict in judgement.verdicts if verdict.kind != "SAME"]
    rows = [f"| {' | '.join(_cells(verdict, _code, _escaped))} |" for verdict in shown]
    head = [f"| {' | '.join(HEADERS)} |", f"|{' --- |' * len(HEADERS)}"]
    drift = [f"- {line}" for line in _drift(judgement, _code)]
    parts = [
        [f"## vitcnn gate: {_colour(judgement, mode)}"],
        [_escaped(_closing(judgement, mode))],
        [*head, *rows[:MOST_LINES]] if rows else [],
        _how_many_more(rows),
        [*drift[:MOST_LINES], *_how_many_more(drift)],
        [f"- {_escaped(line)}" for line in (*judgement.remarks, *_advised(judgement, advice))],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def measured_again(runs: Sequence[Run]) -> tuple[str, ...]:
    """Return a remark on the runs after the first, which measured some of its cases again; none where there are none.

    A rerun lists every case that it left out as deselected: only what passed was measured.
    """
    cases = {result.id for run in runs[1:] for result in run.cases if result.outcome == "passed"}
    return (
        (f"Measured again: {counted(len(cases), 'case')}, in {counted(len(runs) - 1, 'more run')}.",) if cases else ()
    )


def resumed(*runs: Run) -> tuple[str, ...]:
    """Return a remark on cases that were taken from an interrupted run; none where there are none."""
    cases = sum(len(run.resumed) for run in runs)
    taken = f"Resumed: {counted(cases, 'case')} taken from an earlier run. This run cannot become a baseline."
    if not all(run.environment.git_commit for run in runs):
        taken += " There is no git revision, so nobody checked that the code is the same."
    return (taken,) if cases else ()


def to_continue(run: Run, folder: str) -> tuple[str, ...]:
    """Return how to measure the cases that were interrupted or had no turn, from the run's folder; none without any."""
    cases = sum(case.outcome in ("interrupted", "not_run") for case in run.cases)
    how = f"To measure {counted(cases, 'more case')}, give the same command again with --resume {quote(folder)}."
    return (how,) if cases else ()


def _table(verdicts: Sequence[Verdict], width: int) -> str:
    if not verdicts:
        return ""
    rows = [_cells(verdict, str, str) for verdict in verdicts]
    left = _left_beside(4, rows, width)
    if left >= LEAST_REASON:
        return _tabulated(HEADERS, [[*row[:4], _filled(row[4], left)] for row in rows])
    left = _left_beside(1, rows, width)
    return _tabulated((HEADERS[0], "case, metric, change, and reason"), [[row[0], _stacked(row, left)] for row in rows])


def _left_beside(number: int, rows: Sequence[Sequence[str]], width: int) -> int:
    """Return the columns that the first `number` cells of the rows leave to another one."""
    taken = _tabulated(HEADERS[:number], [row[:number] for row in rows])
    return width - max(map(len, taken.splitlines())) - GAP


def _cells(verdict: Verdict, name: Callable[[str], str], text: Callable[[str], str]) -> list[str]:
    case, metric = name(verdict.case), name(verdict.metric) if verdict.metric else ""
    return [verdict.kind, case, metric, _change(verdict), text(verdict.reason)]


def _stacked(row: Sequence[str], width: int) -> str:
    """Return all but the kind in one cell: the case alone in its line, so that it can be copied whole."""
    _, case, metric, change, reason = row
    return "\n".join(line for line in (case, f"{metric} {change}".strip(), _filled(reason, width)) if line)


def _change(verdict: Verdict) -> str:
    if verdict.change is None:
        return ""
    entry = metrics().get(verdict.metric)
    in_points = entry is not None and entry.rule == "score"
    return f"{100 * verdict.change:+.1f} points" if in_points else percent(verdict.change)


def _tabulated(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True)


def _filled(text: str, width: int, indent: str = "") -> str:
    """Wrap at blanks alone: a path or a case's id stays whole."""
    return textwrap.fill(
        text, max(width, LEAST_REASON), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _drift(judgement: Judgement, name: Callable[[str], str]) -> list[str]:
    return [f"{SINCE_OLDEST}{name(verdict.name)}: {verdict.reason}" for verdict in judgement.drift]


def _advised(judgement: Judgement, advice: Advice) -> list[str]:
    kinds = {verdict.kind for verdict in judgement.verdicts}
    return [line for kind, line in advice.items() if kind in kinds]


def _closing(judgement: Judgement, mode: Mode) -> str:
    """Return green or red, how much was looked at, the smallest visible change, and what was found."""
    counts = Counter(verdict.kind for verdict in judgement.verdicts)
    judged = [verdict for verdict in judgement.verdicts if verdict.metric and verdict.kind in COMPARED]
    blind = sum(verdict.is_blind for verdict in judged)
    looked_at = (
        f"{counted(len(judged), 'figure')} judged, {counts['INCONCLUSIVE']} undecided, {blind} blind{_visible(judged)}"
    )
    scope = f" (narrowed: {judgement.scope})" if judgement.scope else ""
    if judgement.not_judged:
        scope += f" (not judged: {', '.join(judgement.not_judged)})"
    if judgement.judged_by:
        scope += f" (by {judgement.judged_by})"
    listed = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])
    return f"{_colour(judgement, mode)} (mode {mode}): {looked_at}: {listed}{scope}"


def _visible(judged: Sequence[Verdict]) -> str:
    """Return the smallest visible change, in the median time and the median score, and in the noisiest of each."""
    times = [verdict.visible for verdict in judged if verdict.visible is not None and is_time(verdict.metric)]
    scores = [verdict.visible for verdict in judged if verdict.visible is not None and not is_time(verdict.metric)]
    worst = f", {percent(max(times))} in the noisiest" if len(times) > 1 else ""
    worst_score = f", -{100 * max(scores):.1f} in the noisiest" if len(scores) > 1 else ""
    parts = [
        *([f"{percent(median(times))} in the median time{worst}"] if times else []),
        *([f"-{100 * median(scores):.1f} points in the median score{worst_score}"] if scores else []),
    ]
    return f", smallest visible change {' and '.join(parts)}" if parts else ""


def _colour(judgement: Judgement, mode: Mode) -> str:
    return "RED" if judgement.red(mode) else "GREEN"


def _how_many_more(lines: Sequence[str]) -> list[str]:
    more = len(lines) - MOST_LINES
    return [f"... and {more} more; the terminal's output has them all."] if more > 0 else []


def _code(text: str) -> str:
    return f"`{_one_cell(text.replace('`', chr(39)))}`"


def _escaped(text: str) -> str:
    short = text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]} ..."
    return _one_cell(short.replace("<", "&lt;"))


def _one_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
