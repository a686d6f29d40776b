"""The JSON of results that `vitcnn tile` writes for an input, frame by frame; docs/tiling.md says what its fields are.

It is valid whenever it is there: it appears under its name once its end is written, with the frames until then.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np

from vitcnn.commands.tile.drawing import sides
from vitcnn.commands.tile.look import Seen
from vitcnn.errors import NotWritten
from vitcnn.inference import TileGrid
from vitcnn.media.written import interrupts_held, naming, partial_of

TOP_OF_TILE, TOP_OF_FRAME = 3, 5
DIGITS = 6


class Results:
    """Writes the JSON of one input. A context manager: the file is there when it closes, unless no frame was added.

    `head` is filled before the first frame is added, `end` before it closes.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self.path, self.names = path, names
        self.head: dict[str, Any] = {}
        self.end: dict[str, Any] = {}
        self.num_frames = 0
        self._partial = partial_of(path)
        self._file: IO[str] | None = None

    def __enter__(self) -> Results:
        return self

    def add(self, seen: Seen, **more: Any) -> None:
        """Write what was seen in one more frame."""
        entry = {"number": self.num_frames, **more, **frame_entry(seen, self.names)}
        with naming(self.path):
            if self._file is None:
                self._file = self._partial.open("w", encoding="utf-8")
                start = json.dumps({**self.head, "grid": grid_entry(seen.grid)}, indent=2, ensure_ascii=False)
                self._file.write(start.removesuffix("\n}") + ',\n  "frames": [\n')
            self._file.write((",\n" if self.num_frames else "") + json.dumps(entry, ensure_ascii=False))
        self.num_frames += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        with interrupts_held():
            try:
                if not isinstance(error, NotWritten):
                    with naming(self.path):
                        self._finish(self._file)
            finally:
                with suppress(OSError):  # what is still in the buffer of a file that is given up
                    self._file.close()
                self._partial.unlink(missing_ok=True)

    def _finish(self, file: IO[str]) -> None:
        end = json.dumps({"num_frames": self.num_frames, **self.end}, indent=2, ensure_ascii=False)
        file.write(f"\n  ],{end.removeprefix('{')}\n")
        file.close()
        self._partial.replace(self.path)


def grid_entry(grid: TileGrid) -> dict[str, Any]:
    """Return where tiles begin and how many there are."""
    return {"tile_px": grid.tile_px, "tops": list(grid.tops), "lefts": list(grid.lefts), "tiles": len(grid.corners)}


def frame_entry(seen: Seen, names: Sequence[str]) -> dict[str, Any]:
    """Return what was seen in a frame: its answer, the top classes of its tiles, and the areas of a map of classes."""
    entry: dict[str, Any] = {
        "answer": top(seen.of_frame, names, TOP_OF_FRAME),
        "tiles": [
            {"box": sides(box), "top": top(scores, names, TOP_OF_TILE)}
            for box, scores in zip(seen.grid.boxes, seen.of_tiles, strict=True)
        ],
    }
    if seen.class_map is not None:
        numbered = zip(seen.class_map.classes, seen.class_map.shares, strict=True)
        entry["map"] = [{"class": n, "name": names[n], "share": round(share, DIGITS)} for n, share in numbered]
    return entry


def top(scores: np.ndarray, names: Sequence[str], most: int) -> list[dict[str, Any]]:
    """Return the classes with the highest scores, the highest first."""
    best = np.argsort(-scores, kind="stable")[:most]
    return [{"class": int(n), "name": names[n], "score": round(float(scores[n]), DIGITS)} for n in best]
