"""The model's own FLOP/s in training, as a share of what a large matrix product reaches here (matmul_flops_per_s).

A training step is taken as three forwards (the backward costs two), a multiply-accumulate as two FLOPs. What the
optimiser, augmentation and resizing compute does not count, nor do they stop the clock.
Source: Chowdhery et al., PaLM, arXiv 2204.02311, appendix B, which divides by the vendor's peak instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.macs import macs
from vitcnn.metrics.matmul_flops_per_s import measure as measure_matmul
from vitcnn.metrics.metric import Metric, of_time

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject

FORWARDS_PER_STEP = 3
FLOPS_PER_MAC = 2


def measure(subject: Subject) -> Sequence[float]:
    """Return each round's share."""
    [reachable] = measure_matmul(subject)
    flops_per_image = FORWARDS_PER_STEP * FLOPS_PER_MAC * macs(subject.architecture, subject.shape)
    return [flops_per_image * subject.images_per_run / seconds / reachable for seconds in subject.times_s]


MODEL_FLOP_UTILISATION = Metric(
    name="model_flop_utilisation",
    unit="1",
    better="higher",
    tolerance=of_time,
    rule="unjudged",
    questions=("accuracy", "data_efficiency", "training"),
    measure=measure,
)
