"""Shows published figures next to our results, for the cases that repeat a published setting."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from statistics import mean, stdev
from typing import Any

from tabulate import tabulate

from vitcnn.adaptations import FULL
from vitcnn.claims import Claim, Figure, claims
from vitcnn.quantity import COUNT, counted, significant
from vitcnn.record import CaseResult, Record, Run
from vitcnn.report.noisy_times import LEGEND, MARK, is_noisy

TIME = "training_time_s"
ALWAYS = ("test_accuracy", TIME)
WORDS = {
    "test_squared_error": "loss, last epoch",
    "test_cross_entropy": "loss, last epoch",
    "test_accuracy": "accuracy, last epoch",
    "f1_weighted": "F1, weighted",
    "roc_auc_micro": "ROC AUC, micro",
    "roc_auc_macro": "ROC AUC, macro",
    "best_epoch_accuracy": "accuracy, best epoch",
    "training_time_s": "training time",
    "frame_time_s": "time of a frame",
    "peak_allocated_bytes": "peak memory",
    "frames_per_s": "frames a second",
}
TOLD = ("skipped", "failed", "out_of_memory", "diverged", "leaked")
"""Outcomes of cases that stand in no table: their reason stands below."""

ABSENT = "-"
COLUMNS = 3
"""Cases that stand beside each other in a table: as many as 100 characters hold."""

INDENT = "  "
NO_BREAK = "\N{NO-BREAK SPACE}"


def published(run: Run, *, width: int) -> str:
    """Return a table for each claim that a collected case repeats, and why others were not measured; "" for none."""
    parts = _once([part for claim in claims() for part in _tables(claim, run, width)])
    missing = _not_measured(run)
    if not parts and not missing:
        return ""
    title = (
        f"Published figures beside ours on {run.environment.device}: mean ± standard deviation over seeds or rounds. "
        "Our training time includes neither compilation nor testing."
    )
    below = "\n".join(textwrap.fill(line, width, subsequent_indent=INDENT, break_on_hyphens=False) for line in missing)
    return "\n\n".join(filter(None, [textwrap.fill(title, width), *parts, below]))


def _once(tables: Sequence[tuple[str, str]]) -> list[str]:
    """Return tables with their remarks below them; a remark that several share stands below the last of them."""
    remarks = [*(remark for _, remark in tables[1:]), ""]
    return [
        "\n".join([table] + [remark] * (remark != following))
        for (table, remark), following in zip(tables, remarks, strict=False)
    ]


def _tables(claim: Claim, run: Run, width: int) -> list[tuple[str, str]]:
    """Return the tables of a claim, each with its remark: of as many cases as fit beside each other."""
    records = [record for record in run.records if claim.is_repeated_by(record.case)]
    tables: list[tuple[str, str]] = []
    for columns in range(COLUMNS, 0, -1):
        tables = [_table(claim, records[at : at + columns], width) for at in range(0, len(records), columns)]
        if all(len(line) <= width for table, _ in tables for line in table.splitlines()):
            break
    return tables


def _table(claim: Claim, records: Sequence[Record], width: int) -> tuple[str, str]:
    figures = {figure.metric: figure for figure in claim.figures}
    rows = [
        [
            WORDS.get(metric, metric),
            _figure(figures[metric]) if metric in figures else ABSENT,
            *(_ours(record, metric) for record in records),
        ]
        for metric in (*(name for name in figures if name not in ALWAYS), *(ALWAYS if claim.trains else ()))
    ]
    settings = [setting for record in records if (setting := claim.setting_of(record.case))]
    ours = [
        "\n".join(["ours", *setting.label, _how(record), _repeats(record)])
        for record, setting in zip(records, settings, strict=True)
    ]
    headers = ["", f"published\n{claim.hardware}", *ours]
    table = tabulate(
        rows, headers=headers, tablefmt="simple", stralign="right", colalign=("left",), disable_numparse=True
    )
    title = f"{_study(claim)}: {claim.architecture} {_on(claim)}"
    source = f"Source: {claim.source}." if claim.source else ""
    legend = LEGEND if any(map(is_noisy, records)) else ""
    differing = dict.fromkeys(note for setting in settings for note in setting.notes)
    remark = " ".join(filter(None, (source, claim.note, *differing, *_few_tested(claim, records), legend)))
    by_class = [_filled(line, width) for line in _by_class(claim, records)]
    return "\n".join([title, table, *by_class]), _filled(remark, width)


def _on(claim: Claim) -> str:
    if not claim.trains:
        return f"at {'/'.join(claim.axes)}"
    how = claim.recipe if claim.adaptation == FULL else f"{claim.recipe}, {claim.adaptation}"
    return f"on {claim.task} by {how}"


def _repeats(record: Record) -> str:
    """Return of how many seeds our figures are, or of how many rounds where nothing was trained."""
    settings = record.settings
    return counted(settings["num_seeds"], "seed") if "num_seeds" in settings else counted(settings["rounds"], "round")


def _filled(text: str, width: int) -> str:
    filled = textwrap.fill(text, width, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False)
    return filled.replace(NO_BREAK, " ")


def _few_tested(claim: Claim, records: Sequence[Record]) -> list[str]:
    """Return that our best epoch is the best of some, where a claim is about the best and not all were tested."""
    if all(figure.metric != "best_epoch_accuracy" for figure in claim.figures):
        return []
    tested = {(len(_series(record, "tested_epoch")), record.settings["training"]["epochs"]) for record in records}
    return [f"Ours is the best of {some} of {every} epochs." for some, every in sorted(tested) if some < every]


def _by_class(claim: Claim, records: Sequence[Record]) -> list[str]:
    """Return a line for each case on the accuracies by class: published and, behind the stroke, ours."""
    lines = []
    for record in records if claim.class_accuracies else ():
        ours = _class_accuracies(record)
        pairs = [
            f"{name}{NO_BREAK}{100 * theirs:.1f}/{ours.get(name, ABSENT)}"
            for name, theirs in claim.class_accuracies.items()
        ]
        lines.append(f"By class, %, published/ours in {_how(record)}: {', '.join(pairs)}.")
    return lines


def _class_accuracies(record: Record) -> dict[str, str]:
    """Return the mean over the seeds of each class's accuracy, in per cent, by the class's name."""
    of_classes = zip(*_series(record, "class_accuracy"), strict=True)
    named = zip(record.settings["classes"], of_classes, strict=False)
    return {name: f"{100 * mean(seeds):.1f}" for name, seeds in named}


def _series(record: Record, name: str) -> tuple[Any, ...]:
    return next((series.values for series in record.series if series.name == name), ())


def _figure(figure: Figure) -> str:
    return f"{'about ' if figure.is_rough else ''}{_published(figure)} {_unit(figure.unit)}"


def _published(figure: Figure) -> str:
    """Show a published number, with no more digits than its source gives."""
    if not figure.digits:
        return _number(figure.value, figure.unit)
    return significant(100 * figure.value if figure.unit == COUNT else figure.value, figure.digits)


def _ours(record: Record, metric: str) -> str:
    found = next((m for m in record.measurements if m.metric == metric), None)
    if found is None:
        return ABSENT
    spread = f" ± {_number(stdev(found.samples), found.unit, 2)}" if len(found.samples) > 1 else ""
    gap = MARK if metric == TIME and is_noisy(record) else " "  # in its place, since a table is as wide as it may be
    return f"{_number(mean(found.samples), found.unit)}{spread}{gap}{_unit(found.unit)}"


def _number(value: float, unit: str, digits: int = 3) -> str:
    """Show a share in per cent with two decimals, anything else with some significant digits."""
    return f"{100 * value:.2f}" if unit == COUNT else significant(value, digits)


def _unit(unit: str) -> str:
    return "%" if unit == COUNT else unit


def _how(record: Record) -> str:
    return f"{record.settings['precision']}/{record.settings['mode']}"


def _study(claim: Claim) -> str:
    return f"Study {claim.study}" if len(claim.study) == 1 else claim.study


def _not_measured(run: Run) -> list[str]:
    """Return a line for each reason why cases that repeat a claim were not measured."""
    by_reason: dict[str, dict[str, None]] = {}
    for claim in claims():
        for case in run.cases:
            setting = claim.setting_of(case.id)
            if case.outcome in TOLD and setting:
                place = f"on {setting.task}" if claim.trains else f"at {'/'.join(setting.axes)}"
                name = f"{_study(claim)}, {setting.architecture} {place}"
                by_reason.setdefault(_reason(case), {})[name] = None
    return [f"Not measured: {'; '.join(names)}: {reason}." for reason, names in by_reason.items()]


def _reason(case: CaseResult) -> str:
    reason = case.reason if case.outcome == "skipped" else f"{case.outcome.replace('_', ' ')}: {case.reason}"
    return reason.rstrip(".")
