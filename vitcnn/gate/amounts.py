"""Judges amounts: counts must be equal, and memory may exceed the range of the baseline by its tolerance."""

from __future__ import annotations

from statistics import median

from vitcnn.gate.verdict import Kind, Verdict
from vitcnn.quantity import percent, quantity, span
from vitcnn.record import Measurement


def judge_exact(case: str, baseline: list[Measurement], current: list[Measurement]) -> Verdict:
    """Judge a count. Baseline runs that disagree about it cannot judge."""
    metric, unit = current[0].metric, current[0].unit
    before, now = _values(baseline), _values(current)
    for whose, values in (("baseline", before), ("current", now)):
        if len(set(values)) > 1:
            listed = ", ".join(f"{value:,.0f}" for value in sorted(set(values)))
            reason = f"a count must not vary, but the {whose} runs have {listed}"
            return Verdict(
                kind="INVALID", case=case, metric=metric, reason=f"{reason}. Find the reason, then record again"
            )
    kind = _kind(now[0], low=before[0], high=before[0], better=current[0].better)
    change = _change(now[0], before[0])
    figures = f"{_counted(now[0], unit)}, baseline {_counted(before[0], unit)}: {_signed(now[0] - before[0], unit)}"
    return Verdict(kind=kind, case=case, metric=metric, reason=f"{figures}, compared exactly", change=change)


def judge_amount(case: str, baseline: list[Measurement], current: list[Measurement]) -> Verdict:
    """Judge the median of what is nearly deterministic by the baseline's range, widened by the tolerance."""
    metric, unit, tolerance = current[0].metric, current[0].unit, current[0].tolerance
    before, now = _values(baseline), median(_values(current))
    low, high = min(before) / (1 + tolerance), max(before) * (1 + tolerance)
    kind = _kind(now, low=low, high=high, better=current[0].better)
    middle = median(before)
    runs = f" ({len(before)} runs, {span(tuple(before), unit)})" if len(before) > 1 else ""
    change = _change(now, middle)
    difference = "" if change is None else f": {percent(change)}"
    figures = f"{quantity(now, unit)}, baseline {quantity(middle, unit)}{runs}{difference}"
    reason = f"{figures}, tolerance {100 * tolerance:g} %"
    return Verdict(kind=kind, case=case, metric=metric, reason=reason, change=change)


def _values(measurements: list[Measurement]) -> list[float]:
    return [median(measurement.samples) for measurement in measurements]


def _kind(value: float, *, low: float, high: float, better: str) -> Kind:
    if low <= value <= high:
        return "SAME"
    return "WORSE" if (value > high) == (better == "lower") else "BETTER"


def _change(now: float, before: float) -> float | None:
    """Return the relative change; nothing is relative to 0."""
    return now / before - 1 if before else None


def _counted(value: float, unit: str) -> str:
    return f"{value:,.0f}" if unit == "1" else f"{value:,.0f} {unit}"


def _signed(difference: float, unit: str) -> str:
    return f"{difference:+,.0f}" if unit == "1" else f"{difference:+,.0f} {unit}"
