"""Asks for the latency of sequences: how long does one forward take, by the number of images?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vitcnn.input_sizes import OF_SEQUENCES, InputKind
from vitcnn.questions.question import Question
from vitcnn.record import Record
from vitcnn.report.columns import Column, latency_text
from vitcnn.spec import BatchCase

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject


@dataclass(frozen=True, kw_only=True)
class SequenceLatencyCase(BatchCase):
    """One forward in inference mode of sequences of `length` images; data on the device.

    The images are real ones, and no place is empty. Of a model that takes an anchor, that is one more image.
    """

    question: ClassVar[str] = "sequence_latency"
    kinds: ClassVar[tuple[InputKind, ...]] = OF_SEQUENCES

    length: int

    def axes(self) -> tuple[str, ...]:
        return (*super().axes(), f"n{self.length}")


def prepare(case: SequenceLatencyCase, bench: Bench) -> Subject:
    """Return the subject whose run is one forward."""
    from vitcnn.bench.models import forward_subject

    return forward_subject(case, bench.device, length=case.length)


def columns(records: Sequence[Record]) -> list[Column]:
    """Return a column for each length."""
    lengths = sorted({r.settings["length"] for r in records if r.settings["question"] == "sequence_latency"})
    return [
        Column(f"latency of\n{n} images, ms\nmedian/p95", "sequence_latency", "latency_s", latency_text, {"length": n})
        for n in lengths
    ]


SEQUENCE_LATENCY = Question(
    name="sequence_latency",
    case=SequenceLatencyCase,
    prepare=prepare,
    provides=frozenset({"forward times", "throughput", "counts", "allocations"}),
    place=55,
    columns=columns,
)
