"""Asks for latency: how long does one forward pass take?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vitcnn.questions.question import Question
from vitcnn.record import Record
from vitcnn.report.columns import Column, by_px, latency_text
from vitcnn.spec import BatchCase

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject


@dataclass(frozen=True, kw_only=True)
class LatencyCase(BatchCase):
    """One forward in inference mode, resize where needed included; data on the device."""

    question: ClassVar[str] = "latency"


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
    provides=frozenset({"forward times", "throughput", "peak memory", "counts", "allocations"}),
    place=50,
    columns=columns,
    told={"latency_s": "answers {batch} image{s} at {px} px"},
)
