"""Multiply-accumulates of one forward of one image; a FLOP count is twice this."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, exact

if TYPE_CHECKING:
    from torch import nn

    from vitcnn.bench.subject import Subject
    from vitcnn.spec import Architecture, InputShape


def measure(subject: Subject) -> Sequence[float]:
    """Return the count at the case's input resolution."""
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
        px = architecture.model_px(shape.px)
        with counter:
            model(torch.zeros(1, shape.channels, px, px))
    return counter.get_total_flops() // 2


MACS = Metric(
    name="macs", unit="MAC", better="lower", tolerance=exact, rule="exact", questions=("memory",), measure=measure
)
