"""Seconds from one CUDA event to the next, one forward in between, where the host never waits for the device.

The gaps in which the device waits for the next launch count too, so this is no measure of how busy it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, of_time

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return each round's seconds by CUDA events, in a pass of its own; none on a CPU."""
    if not subject.device.is_cuda:
        return ()
    from vitcnn.device import event_times

    rounds, calls = subject.rounds.plan(min(subject.times_s))
    return event_times(subject.run, rounds=rounds, iterations=calls)


EVENT_TIME_S = Metric(
    name="event_time_s",
    unit="s",
    better="lower",
    tolerance=of_time,
    rule="time",
    questions=("latency",),
    measure=measure,
)
