"""Shows what reading frames costs by their size and by the way they are read: a row for each case."""

from __future__ import annotations

import textwrap
from statistics import median

from tabulate import tabulate

from vitcnn.quantity import significant
from vitcnn.record import Record, Run
from vitcnn.report.noisy_times import LEGEND, is_noisy, marked

QUESTIONS = ("tiled", "full_frame")
MEGA = 1e6
ABSENT = "-"
HEADERS = ("architecture", "frame", "read as", "how", "s a\nframe", "ms a\nmegapixel", "MFU\n%", "peak\nMB")
TITLE = (
    "What reading a frame costs. Where the time of a megapixel stays the same, it grows with the pixels and nothing "
    "else. MFU is the model's FLOP/s as a share of the better of a large matrix product's and convolution's:"
)


def tiled(run: Run, *, width: int) -> str:
    """Return the table, where an architecture reads frames of several sizes or ways, or none of 4K; else nothing."""
    records = [record for record in run.records if record.settings.get("question") in QUESTIONS]
    several = {one.architecture for one in records for other in records if _differs(one, other)}
    shown = sorted((one for one in records if one.architecture in several or not _is_4k(one)), key=_place)
    if not shown:
        return ""
    rows = [_row(record) for record in shown]
    columns = [column for column in zip(HEADERS, *rows, strict=True) if set(column[1:]) != {ABSENT}]
    headers, *lines = zip(*columns, strict=True)
    table = tabulate(lines, headers=headers, tablefmt="simple", stralign="right", disable_numparse=True)
    legend = [textwrap.fill(LEGEND, width)] if any(map(is_noisy, shown)) else []
    return "\n".join([textwrap.fill(TITLE, width), table, *legend])


def _differs(one: Record, other: Record) -> bool:
    of_one, of_other = ((r.architecture, *_place(r)[1:3]) for r in (one, other))
    return of_one[0] == of_other[0] and of_one != of_other


def _is_4k(record: Record) -> bool:
    """Whether the record has a column of the table."""
    return (record.settings["width"], record.settings["height"]) == (3840, 2160) and _way(record) in ("tiles", "whole")


def _place(record: Record) -> tuple[str, str, int, str]:
    settings = record.settings
    return record.architecture, _way(record), settings["width"] * settings["height"], _how(record)


def _way(record: Record) -> str:
    settings = record.settings
    if settings["question"] == "full_frame":
        return "whole" if settings["num_strips"] == 1 else f"{settings['num_strips']} strips"
    return str(settings.get("way", "tiles"))  # runs of before other ways were measured do not say


def _how(record: Record) -> str:
    settings = record.settings
    at_once = f", b{settings['batch']}" if "batch" in settings else ""
    return f"{settings['precision']}/{settings['mode']}{at_once}"


def _row(record: Record) -> tuple[str, ...]:
    settings = record.settings
    seconds = median(record.samples("frame_time_s"))
    utilised, peak = (record.samples(name) for name in ("model_flop_utilisation", "peak_allocated_bytes"))
    return (
        record.architecture,
        f"{settings['width']}x{settings['height']}",
        _way(record),
        _how(record),
        marked(significant(seconds), record),
        significant(1e3 * seconds / (settings["width"] * settings["height"] / MEGA)),
        significant(100 * median(utilised)) if utilised else ABSENT,
        significant(median(peak) / MEGA) if peak else ABSENT,
    )
