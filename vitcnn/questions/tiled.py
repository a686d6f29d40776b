"""Asks for tiled 4K: how long does it take to classify every tile of a frame?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vitcnn.fields import require_tiles
from vitcnn.questions.question import Question
from vitcnn.record import Record
from vitcnn.report.columns import Column, time_text
from vitcnn.spec import Case

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject


@dataclass(frozen=True, kw_only=True)
class TiledCase(Case):
    """Class logits of every tile of one frame: cut, normalise, forward in batches; the frame is on the device."""

    question: ClassVar[str] = "tiled"

    width: int = 3840
    height: int = 2160
    tile_px: int = 512
    overlap: float = 0.1
    batch: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require_tiles(width=self.width, height=self.height, tile_px=self.tile_px, overlap=self.overlap)

    @property
    def input_px(self) -> int:
        return self.tile_px

    def axes(self) -> tuple[str, ...]:
        overlap = f"o{self.overlap * 100:g}"
        return (f"{self.width}x{self.height}", f"t{self.tile_px}", overlap, f"b{self.batch}")


def prepare(case: TiledCase, bench: Bench) -> Subject:
    """Return the subject whose run classifies all tiles of one frame that is on the device."""
    from vitcnn.bench.tiles import tiled_subject

    return tiled_subject(case, bench)


def columns(_records: Sequence[Record]) -> list[Column]:
    """Return the one column."""
    return [Column("4K\nframe\ns", "tiled", "frame_time_s", time_text)]


TILED = Question(
    name="tiled",
    case=TiledCase,
    prepare=prepare,
    provides=frozenset({"frame times", "peak memory", "counts", "allocations"}),
    place=60,
    columns=columns,
    told={"frame_time_s": "reads a {width}x{height} frame"},
)
