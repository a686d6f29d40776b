"""Pictures of a run, drawn from its records alone: PNG files by matplotlib, without a window or any global state."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from vitcnn.folders import write_whole
from vitcnn.record import Record, Run
from vitcnn.report.plots.confusion import confusion_matrices
from vitcnn.report.plots.curves import accuracy_curves, data_efficiency_curves, learning_curves, robustness_curves
from vitcnn.report.plots.tradeoffs import AGAINST

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = Callable[[Sequence[Record]], Iterator[tuple[str, "Figure"]]]
"""Draws what it can of a run's records: each figure with the name of what it shows, a task or a case."""

KINDS: tuple[tuple[str, Drawing], ...] = (
    ("accuracy", accuracy_curves),
    ("learning", learning_curves),
    ("confusion", confusion_matrices),
    ("robustness", robustness_curves),
    ("data-efficiency", data_efficiency_curves),
    *AGAINST,
)
"""Every kind of plot, by how its files' names begin."""

DOTS_PER_INCH = 100


def write_plots(run: Run, folder: Path) -> tuple[Path, ...]:
    """Write all plots that the run's records can fill into `folder`, as PNG; return their paths.

    Where there are none, `folder` is not made.
    """
    written = []
    for kind, draw in KINDS:
        for shown, figure in draw(run.records):
            written.append(folder / f"{kind}-{file_name(shown)}.png")
            write_whole(written[-1], png(figure))
    return tuple(written)


def file_name(shown: str) -> str:
    """Return the name of a task or a case as part of a file's name."""
    return re.sub(r"[^\w.]+", "-", shown)


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG file's content."""
    content = BytesIO()
    figure.savefig(content, format="png", dpi=DOTS_PER_INCH)
    return content.getvalue()
