"""Multiply-accumulates of one forward of one image; a FLOP count is twice this."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, exact

if TYPE_CHECKING:
    from torch import nn

    from vitcnn.spec import Architecture, InputShape
    from vitcnn.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return the count at the case's input resolution."""
    return [macs(subject.architecture, subject.shape)]


@cache
def macs(architecture: Architecture, shape: InputShape) -> int:
    """Count on the meta device, by torch's flop counter: matrix products, convolutions and attention."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with torch.device("meta"), torch.no_grad():
        model: nn.Module = architecture.build(shape).eval()
        px = architecture.model_px(shape.px)
        with counter:
            model(torch.empty(1, shape.channels, px, px))
    return counter.get_total_flops() // 2


MACS = Metric(
    name="macs", unit="MAC", better="lower", tolerance=exact, rule="exact", questions=("memory",), measure=measure
)
