"""Asks for defects: what does a model, trained on tiles, find on whole frames, at how many false alarms?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vitcnn.fields import require_share
from vitcnn.questions.question import Question
from vitcnn.report.defects import defects
from vitcnn.spec import Task, TrainedCase

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject


@dataclass(frozen=True, kw_only=True)
class DefectsCase(TrainedCase):
    """What is found on `num_frames` held-out frames, in tiles that overlap by `overlap`, after training on tiles.

    A model trains by `recipe` on `num_train` tiles, each seed on its own; then a 1x1 convolution on its last feature
    map trains on the masks of these tiles. The task is `defects` or `defects512`, which knows the frames too.
    """

    question: ClassVar[str] = "defects"

    num_train: int
    overlap: float = 0.1
    num_frames: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        require_share("overlap", self.overlap, "0.1 is usual.")

    def is_about(self, task: Task) -> bool:
        from vitcnn.tasks.defects import KINDS

        return task.name in KINDS

    def axes(self) -> tuple[str, ...]:
        return (*super().axes(), f"n{self.num_train}", f"o{self.overlap * 100:g}", f"f{self.num_frames}")


def prepare(case: DefectsCase, bench: Bench) -> Subject:
    """Return the subject whose run reads all frames with one trained seed; TooFewImages as for few images."""
    from vitcnn.bench.defects import defects_subject

    return defects_subject(case, bench)


DEFECTS = Question(
    name="defects",
    case=DefectsCase,
    prepare=prepare,
    provides=frozenset({"answers", "defects on frames", "counts", "allocations"}),
    place=37,
    section=defects,
)
