"""Asks for the latency of sequences: how long does one forward take, by the number of images?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vitcnn.input_sizes import InputKind
from vitcnn.quantity import counted
from vitcnn.questions.question import Question
from vitcnn.record import Record
from vitcnn.report.columns import Column, latency_text
from vitcnn.spec import BatchCase

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject


@dataclass(frozen=True, kw_only=True)
class SequenceLatencyCase(BatchCase):
    """One forward in inference mode of sequences of `length` images, `anchored` with one more; data on the device.

    The images are real ones, and no place is empty.
    """

    question: ClassVar[str] = "sequence_latency"

    length: int
    anchored: bool = False

    @property
    def kinds(self) -> tuple[InputKind, ...]:
        return ("anchor and sequence of images" if self.anchored else "sequence of images",)

    def axes(self) -> tuple[str, ...]:
        return (*super().axes(), f"{'anchor+' if self.anchored else ''}n{self.length}")


def prepare(case: SequenceLatencyCase, bench: Bench) -> Subject:
    """Return the subject whose run is one forward."""
    from vitcnn.bench.models import forward_subject

    return forward_subject(case, bench.device, length=case.length)


def columns(records: Sequence[Record]) -> list[Column]:
    """Return a column for each length, those with an anchor behind the others."""
    found = (record.settings for record in records if record.settings["question"] == "sequence_latency")
    return [
        Column(
            f"latency of\n{'anchor + ' if anchored else ''}{counted(length, 'image')}, ms\nmedian/p95",
            "sequence_latency",
            "latency_s",
            latency_text,
            {"length": length, "anchored": anchored},
        )
        for anchored, length in sorted({(settings["anchored"], settings["length"]) for settings in found})
    ]


SEQUENCE_LATENCY = Question(
    name="sequence_latency",
    case=SequenceLatencyCase,
    prepare=prepare,
    provides=frozenset(
        {
            *("forward times", "throughput", "arithmetic", "traffic", "roofline", "energy"),
            *("peak memory", "counts", "allocations"),
        }
    ),
    place=55,
    columns=columns,
    told={"latency_s": "answers {batch} sequence{s} of {length}"},
)
