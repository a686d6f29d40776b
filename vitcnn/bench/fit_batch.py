"""Finds the largest batch that fits into a budget of memory: by predictions, and on CUDA by steps that are run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from vitcnn.bench.lifetimes import Peak
from vitcnn.bench.predicted_memory import Asked, predicted_peak
from vitcnn.bench.subject import Subject
from vitcnn.device import Device
from vitcnn.device.memory import out_of_memory_as_case_error, peak_allocated_bytes, release
from vitcnn.errors import NotPredictable, OutOfMemory

MOST_GUESSES = 8
"""Guesses along a straight line, before the bounds are doubled or halved: a straight peak takes two of them."""

SPREAD = 16
"""The first batches beside the predicted one that are tried on a device are this part of it away."""


def smallest_peak(asked: Asked) -> tuple[int, Peak]:
    """Return the smallest batch that can be run, and its peak.

    That is one image, or two where batch normalisation refuses to train on one.
    """
    try:
        return 1, predicted_peak(replace(asked, batch=1))
    except NotPredictable:
        return 2, predicted_peak(replace(asked, batch=2))


def largest_batch(total: Callable[[int], int], memory_bytes: int, *, fitting: int) -> int:
    """Return the largest batch whose `total` bytes fit, given one that does; totals grow with the batch.

    They grow in a nearly straight line, so that the next guess is where the line meets the budget.
    """
    total = cache(total)
    low, high, other, guesses = fitting, 0, 2 * fitting, 0
    while high != low + 1:
        each = (total(other) - total(low)) / (other - low)
        on_line = low + int((memory_bytes - total(low)) / each) if each > 0 else 2 * low
        halfway = (low + high) // 2 if high else 2 * low
        guess = max(low + 1, on_line if guesses < MOST_GUESSES else halfway)
        guess = min(guess, high - 1) if high else guess
        guesses += 1
        if total(guess) > memory_bytes:
            other = high = guess
        else:
            other, low = high or low, guess
    return low


def batch_about(asked: Asked, memory_bytes: int) -> int:
    """Return about how large a batch fits, by a straight line through two predictions; 0 where none does."""
    low, high = (predicted_peak(replace(asked, batch=batch)).total for batch in (asked.batch, 2 * asked.batch))
    each = max(1.0, (high - low) / asked.batch)
    return max(0, asked.batch + int((memory_bytes - low) // each))


def confirmed_batch(predicted: int, fits: Callable[[int], bool], *, smallest: int) -> int:
    """Return the largest batch that `fits`, looked for from a predicted one outwards; 0 where none does.

    No batch below `smallest` is tried: it could not be run at all.
    """
    none = smallest - 1
    low, high, step = none, 0, max(1, predicted // SPREAD)
    guess = predicted
    while high != low + 1:
        if fits(guess):
            low = guess
        else:
            high = guess
        if high and low > none:
            guess = (low + high) // 2
        else:
            guess = low + step if low > none else max(smallest, high - step)
            step *= 2
    return low if low > none else 0


def fits_on(device: Device, subject_of: Callable[[int], Subject], memory_bytes: int) -> Callable[[int], bool]:
    """Return what says whether a batch runs on a CUDA device within a budget: two runs, of which the second counts.

    Running out of memory is an answer, not an error. What was there before counts as well.
    """

    def fits(batch: int) -> bool:
        release(device)
        try:
            with out_of_memory_as_case_error(device):
                subject = subject_of(batch)
                subject.run()
                return peak_allocated_bytes(device, subject.run) <= memory_bytes
        except OutOfMemory:
            return False

    return fits
