"""Draws plots at the end of a session, after everything is saved; an error here does not fail the session."""

from __future__ import annotations

from pathlib import Path

from vitcnn.folders import short
from vitcnn.questions import questions
from vitcnn.record import Run
from vitcnn.report.plots import Drawing, write_plots

PLOTS = "plots"


def plot_lines(run: Run, out: Path) -> list[str]:
    """Draw what there is to draw of `run` into `out`/plots; return the line that says where, or why not.

    There is none where there is nothing to draw.
    """
    folder = out / PLOTS
    try:
        paths = write_plots(run, drawings(), folder)
    except Exception as error:  # all is measured, saved and judged: a picture less must not turn it red
        return [f"Not all plots could be drawn ({type(error).__name__}: {error}). The JSON holds all of their numbers."]
    return [f"Plots of this run: {short(folder)} ({len(paths)})"] if paths else []


def drawings() -> dict[str, Drawing]:
    """Return every kind of plot that a question draws, by how its files' names begin."""
    return {kind: draw for question in questions().values() for kind, draw in question.drawings.items()}
