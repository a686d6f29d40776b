"""Peak of the CUDA memory that torch had allocated during one run, weights and inputs included, in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, one_percent

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return the peak above what was allocated before the case, in a pass of its own; none on a CPU."""
    if not subject.device.is_cuda:
        return ()
    from vitcnn.device import peak_allocated_bytes

    return [peak_allocated_bytes(subject.run) - subject.floor_bytes]


PEAK_ALLOCATED_BYTES = Metric(
    name="peak_allocated_bytes",
    unit="B",
    better="lower",
    tolerance=one_percent,
    rule="amount",
    questions=(
        "latency",
        "memory",
        "tiled",
        "training",
    ),
    measure=measure,
)
