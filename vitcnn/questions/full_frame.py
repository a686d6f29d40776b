"""Asks for frames that a CNN takes whole: how long does it take to read one, at once or in strips?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vitcnn.fields import require_count
from vitcnn.questions.question import Question
from vitcnn.record import Record
from vitcnn.report.columns import Column, time_text
from vitcnn.spec import Case

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject


@dataclass(frozen=True, kw_only=True)
class FullFrameCase(Case):
    """The class logits of one frame, which a convolutional model takes as it is; the frame is on the device.

    With `strip_px` it takes strips no higher than that, their halo included, and the result is the same. A model with a
    part that sees the whole frame, such as attention, is skipped.
    """

    question: ClassVar[str] = "full_frame"

    width: int = 3840
    height: int = 2160
    strip_px: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.strip_px is not None:
            require_count("strip_px", self.strip_px)

    @property
    def input_px(self) -> int:
        """What the model is built for; a convolutional one takes any size."""
        return 512

    def axes(self) -> tuple[str, ...]:
        strips = () if self.strip_px is None else (f"s{self.strip_px}",)
        return (f"{self.width}x{self.height}", *strips)


def prepare(case: FullFrameCase, bench: Bench) -> Subject:
    """Return the subject whose run reads a frame that is on the device."""
    from vitcnn.bench.full_frame import full_frame_subject

    return full_frame_subject(case, bench)


def columns(_records: Sequence[Record]) -> list[Column]:
    """Return the column of a 4K frame; the other sizes stand below the table."""
    where = {"width": 3840, "height": 2160}
    return [Column("whole\n4K frame\ns", "full_frame", "frame_time_s", time_text, where)]


FULL_FRAME = Question(
    name="full_frame",
    case=FullFrameCase,
    prepare=prepare,
    provides=frozenset({"frame times", "frame rates", "arithmetic", "energy", "peak memory", "counts", "allocations"}),
    place=61,
    columns=columns,
    told={"frame_time_s": "takes a {width}x{height} frame whole"},
)
