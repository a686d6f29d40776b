"""How many digits of a record's numbers are kept: more than a clock or a training in float32 gives mean nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vitcnn.record.answers import IMAGE_SCORES
from vitcnn.record.record import Measurement, Record, Series

SECONDS_DIGITS = 9
"""Significant digits of seconds: of a time below a second, that is finer than the nanoseconds of a clock."""

DIGITS = 7
"""Significant digits of rates and of the values of series: those of float32."""


def in_few_digits(record: Record) -> Record:
    """Return a record whose seconds, rates and series are rounded; counts, amounts and scores stay as they are.

    It is rounded once, when it is measured, so that what judges it in memory and what reads its file see the same.
    """
    measurements = tuple(_measurement(entry) for entry in record.measurements)
    return replace(record, measurements=measurements, series=tuple(_series(entry) for entry in record.series))


def _measurement(entry: Measurement) -> Measurement:
    digits = SECONDS_DIGITS if entry.unit == "s" else DIGITS if entry.unit.endswith("/s") else None
    return replace(entry, samples=rounded(entry.samples, digits)) if digits else entry


def _series(entry: Series) -> Series:
    """Return a series in few digits; not scores of images, which lie in a file of their own and are reckoned with."""
    return entry if entry.name == IMAGE_SCORES else replace(entry, values=rounded(entry.values, DIGITS))


def rounded(values: Any, digits: int) -> Any:
    """Return a number, or tuples of numbers, with so many significant digits; whole numbers as they are."""
    if isinstance(values, tuple):
        return tuple(rounded(value, digits) for value in values)
    return float(f"{values:.{digits - 1}e}") if isinstance(values, float) else values
