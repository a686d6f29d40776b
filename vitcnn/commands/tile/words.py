"""What `vitcnn tile` prints at its end: a table of the inputs, and where the results lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tabulate import tabulate

from vitcnn.folders import short
from vitcnn.inference.tiling.timings import PARTS

if TYPE_CHECKING:
    from vitcnn.commands.tile.work import Work, Written

MOST_ROWS = 40
MOST_NAME = 40


def summary(done: Sequence[Written], work: Work, *, num_inputs: int) -> str:
    """Return the table, a row for each input, and the sentences below it."""
    has_videos = any(written.num_frames > 1 for written in done)
    columns = ["input", "size", "tiles", *(["frames"] if has_videos else []), "answer", *PARTS, "in all"]
    rows = [cells(written, has_videos=has_videos) for written in done[:MOST_ROWS]]
    align = ["left" if column in ("input", "answer") else "right" for column in columns]
    table = tabulate(rows, columns, disable_numparse=True, colalign=align)
    more = [f"... and {len(done) - MOST_ROWS:,} more"] if len(done) > MOST_ROWS else []
    return "\n".join([table, *more, "", *sentences(done, work, num_inputs)])


def cells(written: Written, *, has_videos: bool) -> list[str]:
    """Return the cells of one input."""
    name = written.name
    return [
        name if len(name) <= MOST_NAME else f"{name[: MOST_NAME - 1]}…",
        f"{written.width}x{written.height}",
        f"{written.num_tiles:,}",
        *([f"{written.num_frames:,}"] if has_videos else []),
        written.answer,
        *(f"{written.seconds[part]:.2f}" for part in (*PARTS, "all")),
    ]


def sentences(done: Sequence[Written], work: Work, num_inputs: int) -> list[str]:
    """Return what is said below the table."""
    options = work.options
    weights = work.known.settings["weights"]
    settings = f"{work.known.settings['architecture']} ({weights}), tiles of {options.tile} px"
    whole = sum(not written.why for written in done)
    counts = "" if whole == num_inputs else f" {whole:,} of {num_inputs:,} inputs are whole."
    lines = [f"{settings}, overlap {options.overlap:g}, on {work.device.name}. Times are in seconds.{counts}"]
    if any(written.num_frames > 1 for written in done):
        lines.append("The answer is that of a video's last frame. Frames are decoded while others are worked on.")
    kinds = "overlays (.overlay.*) and results (.json)"
    if options.output == "dense":
        kinds = "overlays (.overlay.*), maps of classes (.classes.png, of images) and results (.json)"
    return [*lines, f"The {kinds} lie in {short(options.out)}."]
