"""Instructions of one forward on a CPU, by Callgrind, with --count-instructions alone: see `measuring.instructions`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from vitcnn.metrics.counted import measure
from vitcnn.metrics.metric import Metric

if TYPE_CHECKING:
    from vitcnn.spec import Case

TOLERANCE = 0.003
"""Addresses and hashing make two processes of the same code differ by up to 0.2 %."""


def three_in_a_thousand(_case: Case) -> float:
    """Tolerance of what hardly varies between processes."""
    return TOLERANCE


INSTRUCTIONS = Metric(
    name="instructions",
    unit="1",
    better="lower",
    tolerance=three_in_a_thousand,
    rule="counted",
    questions=("latency",),
    measure=partial(measure, "instructions"),
)
