"""Asks for training throughput: how long does one training step take on a batch that is on the device?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vitcnn.questions.question import Question
from vitcnn.record import Record
from vitcnn.report.columns import Column, by_px, time_text
from vitcnn.spec import AdaptableCase, BatchCase

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject


@dataclass(frozen=True, kw_only=True)
class TrainingCase(BatchCase, AdaptableCase):
    """One training step: resize where needed, forward, cross-entropy, backward, AdamW; data on the device.

    Where the head alone trains, the step includes the forward of the frozen rest: it is the step of the loop that an
    `adaptation` case, which computes the features once, has no need of.
    """

    question: ClassVar[str] = "training"

    def axes(self) -> tuple[str, ...]:
        return (*super().axes(), *self.adaptation_axis)


def prepare(case: TrainingCase, bench: Bench) -> Subject:
    """Return the subject whose run is one step."""
    from vitcnn.bench.models import step_subject

    return step_subject(case, bench.device)


def columns(records: Sequence[Record]) -> list[Column]:
    """Return a column for each resolution."""
    return by_px(records, "training", "training\n{px} px\nimages/s", "images_per_s", time_text)


TRAINING = Question(
    name="training",
    case=TrainingCase,
    prepare=prepare,
    provides=frozenset(
        {
            *("step times", "throughput", "arithmetic", "traffic", "roofline", "energy"),
            *("peak memory", "predicted memory", "counts", "allocations"),
        }
    ),
    place=40,
    columns=columns,
    told={"step_time_s": "takes a training step of {batch} images at {px} px"},
)
