"""Time the CUDA device spends on one forward, in seconds; far below latency_s, the case is bound by launches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, of_time

if TYPE_CHECKING:
    from vitcnn.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return each round's seconds by CUDA events, in a pass of its own; none on a CPU."""
    if not subject.device.is_cuda:
        return ()
    from vitcnn.device import device_times

    rounds, calls = subject.rounds.plan(min(subject.times_s))
    return device_times(subject.run, rounds=rounds, iterations=calls)


DEVICE_TIME_S = Metric(
    name="device_time_s",
    unit="s",
    better="lower",
    tolerance=of_time,
    rule="time",
    questions=("latency",),
    measure=measure,
)
