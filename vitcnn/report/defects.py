"""Shows what each architecture finds on whole frames: a table for each task, a row for each number of tiles."""

from __future__ import annotations

import textwrap
from collections import Counter

import numpy as np

from vitcnn.record import Record, Run
from vitcnn.report.side_by_side import side_by_side

RECALL, MASKS = "defect_recall", "defect_iou"


def defects(run: Run, *, width: int) -> str:
    """Return a table for each task, no wider than `width`; empty without a record."""
    groups: dict[str, list[Record]] = {}
    for record in run.records:
        if record.settings.get("question") == "defects" and record.samples(RECALL):
            groups.setdefault(record.settings["task"], []).append(record)
    return "\n\n".join(_of_task(task, records, width) for task, records in groups.items())


def _of_task(task: str, records: list[Record], width: int) -> str:
    title = f"Defects found on frames of {task} at one false alarm a frame, % (IoU of their masks, %), mean of seeds:"
    rows = list(dict.fromkeys(map(_row, records)))
    times = Counter((record.architecture, _row(record)) for record in records)
    is_twice = {name for (name, _), count in times.items() if count > 1}
    columns: dict[str, dict[str, str]] = {}
    for record in records:
        name = record.architecture
        column = f"{name} {_how(record)}" if name in is_twice else name
        columns.setdefault(column, {})[_row(record)] = _cell(record)
    return "\n".join([textwrap.fill(title, width), side_by_side("trained on", columns, rows, width=width)])


def _row(record: Record) -> str:
    said = record.settings
    return f"{said['num_train_images']:,} tiles, overlap {said['overlap'] * 100:g} %"


def _how(record: Record) -> str:
    """Return what tells two cases of an architecture apart that have the same tiles and overlap."""
    said = record.settings
    return f"{said['training']['name']} {said['precision']} {said['mode']}"


def _cell(record: Record) -> str:
    recall, masks = (100 * float(np.mean(record.samples(name))) for name in (RECALL, MASKS))
    return f"{recall:.1f} ({masks:.1f})"
