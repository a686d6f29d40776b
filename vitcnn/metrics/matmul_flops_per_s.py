"""FLOP/s of a large matrix product on the device, in the case's precision: of this utilisation is a share.

Measured once a process, so that all cases of a run and a precision have the same number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, of_time

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return the best of several products."""
    from vitcnn.device.arithmetic import matmul_flops_per_s

    return [matmul_flops_per_s(subject.device, subject.case.precision)]


MATMUL_FLOPS_PER_S = Metric(
    name="matmul_flops_per_s",
    unit="FLOP/s",
    better="higher",
    tolerance=of_time,
    rule="unjudged",
    questions=("accuracy", "data_efficiency", "training"),
    measure=measure,
)
