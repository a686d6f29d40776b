"""Shows what holds inference and training back: arithmetic, memory bandwidth, or the host that starts the operators.

Each is a share of the measured time that the run takes at least: its FLOPs at the rate of a large matrix product, its
bytes at the rate of a large copy, and the time in which the device waits for the host. The largest is what binds.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from tabulate import tabulate

from vitcnn.quantity import counted, significant
from vitcnn.record import Record, Run
from vitcnn.report.noisy_times import LEGEND, is_noisy, marked

Limit = Literal["compute", "bandwidth", "launch"]
Binding = Limit | Literal["unclear"]

TIMES = {"training": "step_time_s", "latency": "latency_s", "sequence_latency": "latency_s"}
"""The questions that are shown, and the metric of a run's time."""

SHOWN = ("training", "latency")

ENOUGH = 0.25
"""Where no share of the time reaches this, nothing that was measured says what binds."""

GIGA, MILLI = 1e9, 1e3
ABSENT = "-"
HEADERS = (
    "architecture",
    "ms",
    "GFLOP\n/s",
    "% of\npeak",
    "GB/s",
    "% of\ncopy",
    "wait\n%",
    "J an\nimage",
    "bound by",
)
IF_ROOM = ("GFLOP\n/s", "GB/s")
"""Columns that are left out of a table that would be too wide: the shares say as much."""

TITLE = "What binds them, of {case}:"
WAITS = {
    "cuda": "wait: the share of the time in which no kernel runs, since the GPU waits for the host",
    "cpu": "wait: an estimate of the share that starting operators takes, their number times what one costs in a "
    "chain of tiny layers",
}
CEILINGS = (
    "The ceilings were measured on this device: a large matrix product (the peak), {flops} GFLOP/s in {precision}, "
    "and a large copy, {bytes} GB/s. Bytes are what each operator reads and writes; above 100 % caches serve them, so "
    "memory does not bind. {waits}. bound by: the largest of the three shares, if it is at least {enough:.0f} %."
)
ABOVE_PEAK = (
    "Above 100 % of the peak: convolutions are faster than matrix products here, as where two libraries compute them, "
    "or something else used the machine while the peak was measured."
)
ABOVE_ALL = (
    "wait above 100 %: starting these operators costs less than those of the chain, so the estimate is too high. "
    "Nearly all of the time may go into starting them."
)


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What binds a run, and the evidence: the shares of its time that each limit accounts for, where they are known."""

    by: Binding
    shares: Mapping[Limit, float]


def bound_of(record: Record) -> Bound | None:
    """Return what binds the run of a record; None where it does not hold what is needed.

    Of a share of bandwidth above 1, caches serve the traffic: it cannot bind, and is left out of the choice.
    """
    seconds = _seconds(record)
    if seconds is None or not record.samples("model_flop_utilisation"):
        return None
    known = {
        "compute": _median(record, "model_flop_utilisation"),
        "bandwidth": _median(record, "bandwidth_utilisation"),
        "launch": _waiting(record, seconds),
    }
    shares: dict[Limit, float] = {limit: share for limit, share in known.items() if share is not None}  # type: ignore[misc]
    able = {limit: share for limit, share in shares.items() if limit != "bandwidth" or share <= 1}
    largest = max(able, key=able.__getitem__)
    return Bound(by=largest if able[largest] >= ENOUGH else "unclear", shares=shares)


def roofline(run: Run, *, width: int) -> str:
    """Return a table for training and one for inference, each of the cell that most architectures have."""
    records = [record for record in run.records if bound_of(record)]
    parts = [_table(cell, width) for question in SHOWN if (cell := _cell(records, question))]
    notes = "\n".join([*(_notes(records, width) if parts else []), *energy_notes(run, width=width)])
    return "\n\n".join(part for part in (*parts, notes) if part)


def energy_notes(run: Run, *, width: int) -> list[str]:
    """Return of what the energy is, in how many cases it was throttled, and why it is unknown, where it was asked for.

    Each reason is told once.
    """
    asked = [record.settings["energy"] for record in run.records if "energy" in record.settings]
    known = [energy for energy in asked if "unknown" not in energy]
    scopes = dict.fromkeys(f"J an image: {energy['scope']}, by {energy['method']}." for energy in known)
    throttled = sum(energy["throttled_samples"] > 0 for energy in known)
    reasons = dict.fromkeys(f"Energy is unknown: {energy['unknown']}." for energy in asked if "unknown" in energy)
    held_back = [f"Throttled while energy was measured: {counted(throttled, 'case')}, named in the JSON."]
    lines = (*scopes, *(held_back if throttled else []), *reasons)
    return [textwrap.fill(line, width) for line in lines]


def _seconds(record: Record) -> float | None:
    name = TIMES.get(str(record.settings.get("question")))
    return _median(record, name) if name else None


def _median(record: Record, name: str) -> float | None:
    samples = record.samples(name)
    return median(samples) if samples else None


def _waiting(record: Record, seconds: float) -> float | None:
    """Return the share of the time that the host is to blame for: measured on CUDA, estimated on a CPU."""
    busy, dispatch = _median(record, "busy_time_s"), _median(record, "dispatch_time_s")
    if busy is not None:
        return max(0.0, 1 - busy / (_median(record, "event_time_s") or seconds))
    return None if dispatch is None else dispatch / seconds


def _cell(records: Sequence[Record], question: str) -> list[Record]:
    """Return the records of the question's cell that most architectures have; of these, the one that computes most."""
    cells: dict[str, list[Record]] = {}
    for record in records:
        if record.settings["question"] == question:
            cells.setdefault(record.cell, []).append(record)
    if not cells:
        return []
    return max(cells.values(), key=lambda cell: (len(cell), sum(record.samples("flops")[0] for record in cell)))


def _table(records: Sequence[Record], width: int) -> str:
    rows = [_row(record) for record in sorted(records, key=lambda record: _seconds(record) or 0.0)]
    columns = [column for column in zip(HEADERS, *rows, strict=True) if set(column[1:]) != {ABSENT}]
    table = _rendered(columns)
    if max(map(len, table.splitlines())) > width:
        table = _rendered([column for column in columns if column[0] not in IF_ROOM])
    return "\n".join([textwrap.fill(TITLE.format(case=records[0].cell), width), table])


def _rendered(columns: Sequence[tuple[str, ...]]) -> str:
    headers, *lines = zip(*columns, strict=True)
    return tabulate(lines, headers=headers, tablefmt="simple", stralign="right", disable_numparse=True)


def _row(record: Record) -> tuple[str, ...]:
    found, seconds = bound_of(record), _seconds(record)
    assert found is not None
    assert seconds is not None
    return (
        record.architecture,
        marked(significant(MILLI * seconds), record),
        _number(_median(record, "flops_per_s"), 1 / GIGA),
        _percent(found.shares.get("compute")),
        _number(_median(record, "bytes_per_s"), 1 / GIGA),
        _percent(found.shares.get("bandwidth")),
        _percent(found.shares.get("launch")),
        _number(_median(record, "joules_per_image"), 1.0),
        found.by,
    )


def _number(value: float | None, factor: float) -> str:
    return ABSENT if value is None else significant(value * factor)


def _percent(share: float | None) -> str:
    return ABSENT if share is None else f"{100 * share:.0f}"


def _notes(records: Sequence[Record], width: int) -> Iterable[str]:
    """Yield what the numbers mean, with the ceilings of each precision, and what a mark means."""
    shown = [record for question in SHOWN for record in _cell(records, question)]
    by_precision = {record.settings["precision"]: record for record in shown}
    for precision, record in by_precision.items():
        told = CEILINGS.format(
            flops=_number(_median(record, "matmul_flops_per_s"), 1 / GIGA),
            bytes=_number(_median(record, "copy_bytes_per_s"), 1 / GIGA),
            precision=precision,
            waits=WAITS["cuda" if record.samples("busy_time_s") else "cpu"],
            enough=100 * ENOUGH,
        )
        yield textwrap.fill(told, width)
    if any((_median(record, "model_flop_utilisation") or 0) > 1 for record in shown):
        yield textwrap.fill(ABOVE_PEAK, width)
    if any(found.shares.get("launch", 0) > 1 for found in map(bound_of, shown) if found):
        yield textwrap.fill(ABOVE_ALL, width)
    if any(map(is_noisy, shown)):
        yield textwrap.fill(LEGEND, width)
