"""Asks for tiled 4K: how long does it take to read a frame, tile by tile?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from vitcnn.fields import require_one_of, require_tiles
from vitcnn.questions.question import Question
from vitcnn.record import Record
from vitcnn.report.columns import Column, time_text
from vitcnn.report.tiled import tiled
from vitcnn.spec import Case

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject


Way = Literal["tiles", "dense", "stream"]

STREAM_LENGTH = 8
"""Frames that a run of a stream reads."""


@dataclass(frozen=True, kw_only=True)
class TiledCase(Case):
    """What a model says of the tiles of one frame: cut, normalise, forward in batches; the frame is on the device.

    `way` is `tiles`, the class logits of each tile; `dense`, those of each pixel, blended where tiles overlap; or
    `stream`, those of each tile of several frames in host memory, each of which is copied while another one is read.
    """

    question: ClassVar[str] = "tiled"

    width: int = 3840
    height: int = 2160
    tile_px: int = 512
    overlap: float = 0.1
    batch: int
    way: Way = "tiles"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_tiles(tile_px=self.tile_px, overlap=self.overlap)
        require_one_of("way", self.way, get_args(Way))

    @property
    def input_px(self) -> int:
        return self.tile_px

    @property
    def frames_per_run(self) -> int:
        """How many frames are read in what is timed."""
        return STREAM_LENGTH if self.way == "stream" else 1

    def axes(self) -> tuple[str, ...]:
        overlap = f"o{self.overlap * 100:g}"
        way = () if self.way == "tiles" else (self.way,)
        return (f"{self.width}x{self.height}", f"t{self.tile_px}", overlap, f"b{self.batch}", *way)


def prepare(case: TiledCase, bench: Bench) -> Subject:
    """Return the subject whose run reads a frame that is on the device, or a stream of frames."""
    from vitcnn.bench.tiles import tiled_subject

    return tiled_subject(case, bench)


def columns(_records: Sequence[Record]) -> list[Column]:
    """Return the column of a 4K frame in tiles; the other sizes and ways stand below the table."""
    where = {"width": 3840, "height": 2160, "way": "tiles"}
    return [Column("4K\nframe\ns", "tiled", "frame_time_s", time_text, where)]


TILED = Question(
    name="tiled",
    case=TiledCase,
    prepare=prepare,
    provides=frozenset({"frame times", "frame rates", "arithmetic", "energy", "peak memory", "counts", "allocations"}),
    place=60,
    columns=columns,
    section=tiled,
    told={"frame_time_s": "reads a {width}x{height} frame"},
)
