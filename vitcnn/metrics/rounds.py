"""Defines the metrics that are read from timed rounds: times, and images per second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, of_time, seconds, seconds_per_image

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject


def images_per_s(subject: Subject) -> Sequence[float]:
    """Return each round's images a second."""
    return [subject.images_per_run / seconds for seconds in subject.times_s]


def between_events(subject: Subject) -> Sequence[float]:
    """Return each round's seconds from one CUDA event to the next, in a pass of its own; none on a CPU."""
    if not subject.device.is_cuda:
        return ()
    from vitcnn.device import event_times

    return event_times(subject.run, rounds=subject.rounds, iterations=subject.calls)


def time_of(name: str, reads: str) -> Metric:
    """Return the metric of what a run takes."""
    return Metric(name=name, unit="s", better="lower", tolerance=of_time, rule="time", reads=reads, measure=seconds)


LATENCY_S = time_of("latency_s", "forward times")
"""Time of one forward of a batch."""

STEP_TIME_S = time_of("step_time_s", "step times")
"""Time of one training step."""

FRAME_TIME_S = Metric(
    name="frame_time_s",
    unit="s",
    better="lower",
    tolerance=of_time,
    rule="time",
    reads="frame times",
    measure=seconds_per_image,
)
"""Time of reading one frame, tile by tile; of a stream, its time divided by its frames."""

TRAINING_TIME_S = time_of("training_time_s", "training times")
"""Time of training one seed from start to end; building, loading and testing are not in it."""

EVENT_TIME_S = Metric(
    name="event_time_s",
    unit="s",
    better="lower",
    tolerance=of_time,
    rule="time",
    reads="forward times",
    measure=between_events,
)
"""Seconds from one CUDA event to the next, one forward in between, where the host never waits for the device.

The gaps in which the device waits for the next launch count too, so this is no measure of how busy it is.
"""

IMAGES_PER_S = Metric(
    name="images_per_s",
    unit="image/s",
    better="higher",
    tolerance=of_time,
    rule="unjudged",
    reads="throughput",
    measure=images_per_s,
)
"""Images a second, in inference or training."""

FRAMES_PER_S = Metric(
    name="frames_per_s",
    unit="frame/s",
    better="higher",
    tolerance=of_time,
    rule="unjudged",
    reads="frame rates",
    measure=images_per_s,
)
"""Frames a second."""
