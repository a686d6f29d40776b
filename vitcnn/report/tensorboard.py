"""Chooses what TensorBoard shows of a run: for each case its scalars, curves, settings and confusion matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from vitcnn.record import Record, Run, Series
from vitcnn.report.export import markdown
from vitcnn.report.plots import png
from vitcnn.report.plots.confusion import confusion_figure
from vitcnn.report.plots.records import has_series, series_of
from vitcnn.report.terminal import Shown as Question
from vitcnn.tracing.names import case_folder
from vitcnn.tracing.shown import PlainValue, Shown

COMPARISON = "comparison"
CONFUSION = "confusion_matrix"
EPOCHS = ("epoch", "tested_epoch")
"""Axes along which a series is a curve."""

MEASURED, ROUNDS = "measured", "rounds"
"""How the tags of the medians begin, and those of all samples: of a round each, or of a seed."""


def study(run: Run, questions: Sequence[Question]) -> dict[Path, Shown]:
    """Return what TensorBoard shows of each case that was measured, and of the whole run, by folder."""
    table = markdown(run.records, questions)
    whole = {Path(): Shown(texts={COMPARISON: table})} if table else {}
    return {**whole, **{case_folder(record.case): shown(record) for record in run.records if record.measurements}}


def shown(record: Record) -> Shown:
    """Return what TensorBoard shows of one case."""
    samples = {f"{ROUNDS}/{one.metric}": dict(enumerate(one.samples)) for one in record.measurements}
    return Shown(
        scalars={**samples, **dict(curves(record))},
        images={CONFUSION: png(confusion_figure(record))} if has_series(record, CONFUSION) else {},
        hyperparameters=hyperparameters(record),
        metrics={f"{MEASURED}/{one.metric}": median(one.samples) for one in record.measurements},
    )


def curves(record: Record) -> Iterator[tuple[str, dict[int, float]]]:
    """Yield the curves over epochs, from 1: of several seeds one for each."""
    tested = series_of(record, "tested_epoch") if has_series(record, "tested_epoch") else np.empty(0)
    for series in record.series:
        if series.axes[-1] in EPOCHS and series.name != "tested_epoch":
            yield from _curve(series, tested)


def _curve(series: Series, tested: np.ndarray) -> Iterator[tuple[str, dict[int, float]]]:
    values = np.atleast_2d(np.asarray(series.values, dtype=float))
    epochs = tested if series.axes[-1] == "tested_epoch" else np.arange(1, values.shape[-1] + 1)
    for number, row in enumerate(values):
        tag = f"{series.name}/seed_{number}" if len(series.axes) > 1 else series.name
        yield tag, dict(zip(epochs.astype(int).tolist(), row.tolist(), strict=True))


def hyperparameters(record: Record) -> dict[str, PlainValue]:
    """Return the settings that are a number, a word or a yes, those of a recipe by names such as `optimizer.name`."""
    return {"architecture": record.architecture, "family": record.family, **dict(_plain("", record.settings))}


def _plain(above: str, value: object) -> Iterator[tuple[str, PlainValue]]:
    if isinstance(value, bool | int | float | str):
        yield above, value
    elif hasattr(value, "items"):
        for name, below in value.items():
            yield from _plain(f"{above}.{name}" if above else str(name), below)
