"""Shows what holds inference and training back: arithmetic, memory bandwidth, or the host that starts the operators.

Each is a share of the measured time that the run takes at least: its FLOPs at the rate of a large matrix product or
convolution, its bytes at the rate of a large copy, and the time in which the device waits for the host. The largest is
what binds.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
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
PEAKS = {"matmul_flops_per_s": "a large matrix product", "convolution_flops_per_s": "a large 3x3 convolution"}
"""The metrics of which the larger is the peak; an older record has the first alone."""

CEILINGS = (
    "The ceilings were measured on this device: the peak in {precision}, {peak}, and a large copy, {bytes} "
    "GB/s. Bytes are what each operator reads and writes; above 100 % caches serve them, so memory does not bind. "
    "{waits}. bound by: the largest of the three shares, if it is at least {enough:.0f} %."
)
ABOVE_PEAK = (
    "Above 100 % of the peak: something else used the machine while the peak was measured, or the model is faster here "
    "than a large matrix product and a large convolution."
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


def bound_of(record: Record, *, peak: float | None = None) -> Bound | None:
    """Return what binds the run of a record; None where it does not hold what is needed.

    `peak` is in FLOP/s; by default it is what the record's process had seen by then. Of a share of bandwidth above 1,
    caches serve the traffic: it cannot bind, and is left out of the choice.
    """
    seconds, rate = _seconds(record), _median(record, "flops_per_s")
    peak = peak or max(_rates(record).values(), default=None)
    if seconds is None or rate is None or peak is None:
        return None
    known = {
        "compute": rate / peak,
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
    peaks = peaks_of(records)
    cells = [cell for question in SHOWN if (cell := _cell(records, question))]
    parts = [_table(cell, peaks, width) for cell in cells]
    notes = "\n".join([*_notes(list(chain(*cells)), peaks, width), *energy_notes(run, width=width)])
    return "\n\n".join(part for part in (*parts, notes) if part)


def peaks_of(records: Sequence[Record]) -> dict[str, dict[str, float]]:
    """Return the best that was seen in each precision, by the metric: one peak for all rows that stand beside others.

    A process looks at the peak again where a case is above it, so that later records can have a higher one.
    """
    found: dict[str, dict[str, float]] = {}
    for record in records:
        best = found.setdefault(record.settings["precision"], {})
        best.update({name: max(rate, best.get(name, 0.0)) for name, rate in _rates(record).items()})
    return found


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


def _rates(record: Record) -> dict[str, float]:
    return {name: rate for name in PEAKS if (rate := _median(record, name)) is not None}


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


def _table(records: Sequence[Record], peaks: Mapping[str, Mapping[str, float]], width: int) -> str:
    in_order = sorted(records, key=lambda record: _seconds(record) or 0.0)
    rows = [_row(record, max(peaks[record.settings["precision"]].values())) for record in in_order]
    columns = [column for column in zip(HEADERS, *rows, strict=True) if set(column[1:]) != {ABSENT}]
    table = _rendered(columns)
    if max(map(len, table.splitlines())) > width:
        table = _rendered([column for column in columns if column[0] not in IF_ROOM])
    return "\n".join([textwrap.fill(TITLE.format(case=records[0].cell), width), table])


def _rendered(columns: Sequence[tuple[str, ...]]) -> str:
    headers, *lines = zip(*columns, strict=True)
    return tabulate(lines, headers=headers, tablefmt="simple", stralign="right", disable_numparse=True)


def _row(record: Record, peak: float) -> tuple[str, ...]:
    found, seconds = bound_of(record, peak=peak), _seconds(record)
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


def _notes(shown: Sequence[Record], peaks: Mapping[str, Mapping[str, float]], width: int) -> Iterable[str]:
    """Yield what the numbers mean, with the ceilings of each precision, and what a mark means."""
    by_precision = {record.settings["precision"]: record for record in shown}
    highest = {precision: max(rates.values()) for precision, rates in peaks.items()}
    for precision, record in by_precision.items():
        told = CEILINGS.format(
            peak=_peak_in_words(peaks[precision]),
            bytes=_number(_median(record, "copy_bytes_per_s"), 1 / GIGA),
            precision=precision,
            waits=WAITS["cuda" if record.samples("busy_time_s") else "cpu"],
            enough=100 * ENOUGH,
        )
        yield textwrap.fill(told, width)
    if any(rate > highest[record.settings["precision"]] for record in shown for rate in record.samples("flops_per_s")):
        yield textwrap.fill(ABOVE_PEAK, width)
    if any(found.shares.get("launch", 0) > 1 for found in map(bound_of, shown) if found):
        yield textwrap.fill(ABOVE_ALL, width)
    if any(map(is_noisy, shown)):
        yield textwrap.fill(LEGEND, width)


def _peak_in_words(rates: Mapping[str, float]) -> str:
    """Return which rate is the peak, and the other one beside it."""
    first, *others = sorted(rates, key=rates.__getitem__, reverse=True)
    beside = "".join(f" ({PEAKS[name]}: {significant(rates[name] / GIGA)})" for name in others)
    return f"that of {PEAKS[first]}, {significant(rates[first] / GIGA)} GFLOP/s{beside}"
