"""Finds times that differ so much that something else must have used the machine, marks them and says what to do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vitcnn.metrics import is_of_the_clock
from vitcnn.quantity import counted, span, unit_for
from vitcnn.record import Record, Run

NOISY = 1.5
MARK = "~"
IN_WORDS = " (noisy)"

LEGEND = (
    f"{MARK} noisy time: the 95th percentile of its samples is over {NOISY} times their median, or the median over "
    f"{NOISY} times the fastest."
)
"""Most are fast and a few slow, or most slow and a few fast: one slow round of fifty is usual, but none is too fast."""

RATE = "images_per_s"
"""What tells the time where a record has no other: of the same images again and again."""

NAMED = 3


def times_s(record: Record) -> tuple[float, ...]:
    """Return the seconds of each round or seed of `record`, up to a constant factor; none where nothing was timed.

    A memory case is timed in one pass, and a robustness case reports no time.
    """
    found = next((m.samples for m in record.measurements if is_of_the_clock(m.metric)), ())
    return found or tuple(1 / rate for rate in record.samples(RATE))


def is_noisy(record: Record) -> bool:
    """Whether the times of `record` differ too much; what was timed once cannot show it."""
    return unsteadiness(times_s(record)) > NOISY


def unsteadiness(samples: Sequence[float]) -> float:
    """Return how far the slow or the fast end of `samples` is from their median, as a ratio of at least 1."""
    if len(samples) < 2:
        return 1.0
    middle, high = np.percentile(samples, [50, 95])
    fastest = min(samples)
    return float(max(high / middle, middle / fastest))


def marked(text: str, record: Record) -> str:
    """Return `text`, which shows a time of `record`, with the mark where that is noisy."""
    return f"{text}{MARK}" if is_noisy(record) else text


def in_words(*records: Record) -> str:
    """Return what is added to a sentence on times of `records`, where one of them is noisy; else nothing."""
    return IN_WORDS if any(map(is_noisy, records)) else ""


def noise(run: Run) -> str:
    """Return how many timed cases are noisy, the worst by name, and what to do; empty where none is."""
    timed = [record for record in run.records if len(times_s(record)) > 1]
    noisy = sorted(filter(is_noisy, timed), key=lambda record: -unsteadiness(times_s(record)))
    if not noisy:
        return ""
    named = "; ".join(f"{record.case} ({_span(record)})" for record in noisy[:NAMED])
    others = f"; and {counted(len(noisy) - NAMED, 'other')}" if len(noisy) > NAMED else ""
    return (
        f"Noisy: {len(noisy)} of {counted(len(timed), 'timed case')}, fastest to slowest: {named}{others}. "
        "Stop the other programs on this machine and measure these cases again before you trust their times or ratios."
    )


def _span(record: Record) -> str:
    times = [m for m in record.measurements if is_of_the_clock(m.metric)]
    [shown, *_] = times or [m for m in record.measurements if m.metric == RATE]
    return f"{span(shown.samples, shown.unit)} {unit_for(max(shown.samples), shown.unit)}"
