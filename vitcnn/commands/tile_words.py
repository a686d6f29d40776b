"""What `vitcnn tile` prints at its end: a table of the inputs, and where the results lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tabulate import tabulate

from vitcnn.folders import short
from vitcnn.inference.tiling.timings import PARTS

if TYPE_CHECKING:
    from vitcnn.commands.tile_work import Work, Written

MOST_ROWS = 40
MOST_NAME = 40


def summary(done: Sequence[Written], work: Work, *, num_inputs: int) -> str:
    """Return the table, a row for each input, and the sentences below it."""
    columns = ("input", "size, px", "tiles", "frames", "answer", *(f"{part}, s" for part in PARTS), "in all, s")
    table = tabulate([row(written) for written in done[:MOST_ROWS]], columns, disable_numparse=True, colalign=ALIGN)
    more = [f"... and {len(done) - MOST_ROWS} more"] if len(done) > MOST_ROWS else []
    return "\n".join([table, *more, "", *sentences(done, work, num_inputs)])


ALIGN = ("left", "right", "right", "right", "left", *("right" for _ in PARTS), "right")


def row(written: Written) -> tuple[str, ...]:
    """Return the cells of one input."""
    name = written.name
    return (
        name if len(name) <= MOST_NAME else f"{name[: MOST_NAME - 1]}…",
        f"{written.width}x{written.height}",
        f"{written.num_tiles:,}",
        f"{written.num_frames:,}",
        written.answer,
        *(f"{written.seconds[part]:.3g}" for part in (*PARTS, "all")),
    )


def sentences(done: Sequence[Written], work: Work, num_inputs: int) -> list[str]:
    """Return what is said below the table."""
    options = work.options
    weights = work.known.settings["weights"]
    settings = f"{work.known.settings['architecture']} ({weights}), tiles of {options.tile} px"
    whole = sum(not written.why for written in done)
    counts = "" if whole == num_inputs else f" {whole:,} of {num_inputs:,} inputs are whole."
    lines = [f"{settings}, overlap {options.overlap:g}, on {work.device.name}.{counts}"]
    if any(written.num_frames > 1 for written in done):
        lines.append("The answer is that of a video's last frame. Frames are decoded while others are worked on.")
    kinds = "overlays (.overlay.*) and results (.json)"
    if options.output == "dense":
        kinds = "overlays (.overlay.*), maps of classes (.classes.png, of images) and results (.json)"
    return [*lines, f"The {kinds} lie in {short(options.out)}."]
