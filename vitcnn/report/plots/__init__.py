"""Draws plots of a run from its records alone, as PNG files by matplotlib, without a window or global state."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from vitcnn.folders import write_whole
from vitcnn.record import Record, Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = Callable[[Sequence[Record]], Iterator[tuple[str, "Figure"]]]
"""Draws what it can of a run's records: each figure with the name of what it shows, a task or a case."""

DOTS_PER_INCH = 100


def write_plots(run: Run, drawings: Mapping[str, Drawing], folder: Path) -> tuple[Path, ...]:
    """Write all plots that the run's records can fill into `folder`, as PNG; return their paths.

    `drawings` holds every kind of plot, by how its files' names begin.

    Where there are none, `folder` is not made.
    """
    written = []
    for kind, draw in drawings.items():
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
