"""Asks for memory: how large is a model, how much does it compute, and how much memory does a run take?

The clock runs once, and each metric of memory in a pass of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from vitcnn.bench.rounds import ONCE
from vitcnn.fields import require_one_of
from vitcnn.questions.question import Question
from vitcnn.record import Record
from vitcnn.report.columns import Column, scaled
from vitcnn.report.predicted_memory import predicted_memory
from vitcnn.spec import AdaptableCase, BatchCase

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject

Phase = Literal["inference", "training"]


@dataclass(frozen=True, kw_only=True)
class MemoryCase(BatchCase, AdaptableCase):
    """Parameters, multiply-accumulates and memory of one forward or one training step."""

    question: ClassVar[str] = "memory"

    phase: Phase

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of("phase", self.phase, get_args(Phase))

    def axes(self) -> tuple[str, ...]:
        return (*super().axes(), self.phase, *self.adaptation_axis)


def prepare(case: MemoryCase, bench: Bench) -> Subject:
    """Return the subject whose run is one forward or one step."""
    from vitcnn.bench.models import forward_subject, step_subject

    if case.phase == "inference":
        return forward_subject(case, bench.device, ONCE)
    return step_subject(case, bench.device, ONCE)


def columns(_records: Sequence[Record]) -> list[Column]:
    """Return the columns: memory in training first, sizes last."""
    training = {"phase": "training"}
    return [
        Column("saved for\nbackward\nMB", "memory", "saved_for_backward_bytes", scaled(1e-6)),
        Column("peak in\ntraining\nMB", "memory", "peak_allocated_bytes", scaled(1e-6), training),
        Column("para-\nmeters\nM", "memory", "parameters", scaled(1e-6)),
        Column("MACs\nM", "memory", "macs", scaled(1e-6)),
    ]


MEMORY = Question(
    name="memory",
    case=MemoryCase,
    prepare=prepare,
    provides=frozenset({"size", "traffic", "peak memory", "predicted memory", "allocations", "training memory"}),
    place=70,
    columns=columns,
    section=predicted_memory,
)
