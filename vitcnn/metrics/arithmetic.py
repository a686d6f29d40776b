"""Defines the metrics of a model's arithmetic: MACs, the rate of the device, and the share of it that training uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, exact, of_time

if TYPE_CHECKING:
    from torch import nn

    from vitcnn.bench.subject import Subject
    from vitcnn.spec import Architecture, InputShape

FORWARDS_PER_STEP = 3
FLOPS_PER_MAC = 2


def macs_at_input(subject: Subject) -> Sequence[float]:
    """Return the multiply-accumulates of one forward of one image at the case's input resolution."""
    return [macs(subject.architecture, subject.shape)]


@cache
def macs(architecture: Architecture, shape: InputShape) -> int:
    """Count by torch's flop counter: matrix products, convolutions and attention.

    On the meta device, which has no memory; what cannot run there, since it looks at values, is counted on the CPU.
    """
    try:
        return _macs_on("meta", architecture, shape)
    except Exception:
        return _macs_on("cpu", architecture, shape)


def _macs_on(device: str, architecture: Architecture, shape: InputShape) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with torch.device(device), torch.no_grad(), torch.random.fork_rng(devices=()):
        model: nn.Module = architecture.build(shape).eval()
        with counter:
            model(torch.zeros(replace(shape, px=architecture.model_px(shape.px)).of_batch(1)))
    return counter.get_total_flops() // 2


def matmul_flops_per_s(subject: Subject) -> Sequence[float]:
    """Return the best of several large matrix products in the case's precision."""
    from vitcnn.device.arithmetic import matmul_flops_per_s

    return [matmul_flops_per_s(subject.device, subject.case.precision)]


def model_flop_utilisation(subject: Subject) -> Sequence[float]:
    """Return each round's share of what a large matrix product reaches."""
    [reachable] = matmul_flops_per_s(subject)
    flops_per_image = FORWARDS_PER_STEP * FLOPS_PER_MAC * macs(subject.architecture, subject.shape)
    return [flops_per_image * subject.images_per_run / seconds / reachable for seconds in subject.times_s]


MACS = Metric(
    name="macs", unit="MAC", better="lower", tolerance=exact, rule="exact", reads="size", measure=macs_at_input
)
"""Multiply-accumulates of one forward of one image; a FLOP count is twice this."""

MATMUL_FLOPS_PER_S = Metric(
    name="matmul_flops_per_s",
    unit="FLOP/s",
    better="higher",
    tolerance=of_time,
    rule="unjudged",
    reads="arithmetic",
    measure=matmul_flops_per_s,
)
"""FLOP/s of a large matrix product on the device, in the case's precision: of this utilisation is a share.

Measured once a process, so that all cases of a run and a precision have the same number.
"""

MODEL_FLOP_UTILISATION = Metric(
    name="model_flop_utilisation",
    unit="1",
    better="higher",
    tolerance=of_time,
    rule="unjudged",
    reads="arithmetic",
    measure=model_flop_utilisation,
)
"""The model's own FLOP/s in training, as a share of what a large matrix product reaches here (matmul_flops_per_s).

A training step is taken as three forwards (the backward costs two), a multiply-accumulate as two FLOPs. What the
optimiser, augmentation and resizing compute does not count, nor do they stop the clock.
Source: Chowdhery et al., PaLM, arXiv 2204.02311, appendix B, which divides by the vendor's peak instead.
"""
