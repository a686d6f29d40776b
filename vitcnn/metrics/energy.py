"""Defines the metric of energy, which `device.energy` measures in a pass of its own with --energy alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject
    from vitcnn.spec import Case

ENERGY_TOLERANCE = 0.05


def joules_per_image(subject: Subject) -> Sequence[float]:
    """Return the energy of an image; none where it was not asked for or is unknown."""
    return [] if subject.energy is None else [subject.energy.joules_per_run / subject.images_per_run]


def five_percent(_case: Case) -> float:
    """Tolerance of energy: boards' counters advance in steps, and chips of one kind differ."""
    return ENERGY_TOLERANCE


JOULES_PER_IMAGE = Metric(
    name="joules_per_image",
    unit="J",
    better="lower",
    tolerance=five_percent,
    rule="time",
    reads="energy",
    measure=joules_per_image,
)
"""Energy of the whole GPU board, or of all processors of the machine, for each image; of frames, for each frame.

settings["energy"] says of what it is, how it was measured, and what power, temperature, clocks and reasons for reduced
clocks were meanwhile; or why it is unknown.
"""
