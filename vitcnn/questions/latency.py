"""Asks for latency: how long does one forward pass take?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vitcnn.adaptations import Lora, adaptation
from vitcnn.errors import UserError
from vitcnn.questions.question import Question
from vitcnn.record import Record
from vitcnn.report.columns import Column, by_px, latency_text
from vitcnn.report.roofline import roofline
from vitcnn.spec import AdaptableCase, BatchCase

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject


@dataclass(frozen=True, kw_only=True)
class LatencyCase(BatchCase, AdaptableCase):
    """One forward in inference mode, resize where needed included; data on the device.

    LoRA's updates are computed beside the frozen weights, or where `merged`, they were added to these before.
    """

    question: ClassVar[str] = "latency"

    merged: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.merged and not isinstance(adaptation(self.adaptation), Lora):
            do = "Leave merged out, or name an adaptation such as lora16_qv."
            raise UserError(field="merged", value=self.merged, allowed=f"False with {self.adaptation}", do=do)

    def axes(self) -> tuple[str, ...]:
        return (*super().axes(), *self.adaptation_axis, *(("merged",) if self.merged else ()))


def prepare(case: LatencyCase, bench: Bench) -> Subject:
    """Return the subject whose run is one forward."""
    from vitcnn.bench.models import forward_subject

    return forward_subject(case, bench.device)


def columns(records: Sequence[Record]) -> list[Column]:
    """Return a column for each resolution."""
    return by_px(records, "latency", "latency\n{px} px, ms\nmedian/p95", "latency_s", latency_text)


LATENCY = Question(
    name="latency",
    case=LatencyCase,
    prepare=prepare,
    provides=frozenset(
        {
            *("forward times", "throughput", "arithmetic", "traffic", "roofline", "energy"),
            *("peak memory", "predicted memory", "counts", "allocations", "merging"),
        }
    ),
    place=50,
    columns=columns,
    section=roofline,
    told={"latency_s": "answers {batch} image{s} at {px} px"},
)
