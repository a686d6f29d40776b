"""What a model says of one frame: of its tiles, of the whole, and for a dense map of each pixel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from vitcnn.commands.tile.known import Known
from vitcnn.device import Device, spare_bytes
from vitcnn.inference import TileGrid, Tiler
from vitcnn.inference.tiling import Dense, FeatureMap, Timings, frame_logits
from vitcnn.inference.tiling.answers import Reduction
from vitcnn.inference.tiling.blending import Blend
from vitcnn.media.written import naming

MOST_IN_A_MAP = 12
"""Classes that a dense map tells apart: of more, those that some tile answers most surely. The rest is left out."""

STRIP_ROWS = 256
BYTES_OF_A_NUMBER = 4
GREY = 1


@dataclass(frozen=True, kw_only=True)
class ClassMap:
    """Which class is likeliest at each pixel: `numbers`, uint8 (height, width), count in `classes`, by their area.

    `shares` are the parts of the frame that they cover.
    """

    numbers: np.ndarray
    classes: tuple[int, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The probability of each class in each tile, (tiles, classes), and in the frame, (classes,); float32."""

    grid: TileGrid
    of_tiles: np.ndarray
    of_frame: np.ndarray
    class_map: ClassMap | None = None


class ChosenClasses(nn.Module):
    """The probability of `chosen` classes, among all, at each place of a feature map."""

    def __init__(self, features: FeatureMap) -> None:
        super().__init__()
        self._logits = features.logits
        self.chosen = torch.empty(0, dtype=torch.int64)

    def forward(self, features: Tensor) -> Tensor:
        return self._logits(features).float().softmax(dim=1)[:, self.chosen]


class Look:
    """Runs a model on the tiles of frames. `place` is a folder for what memory has no room for.

    `told` hears how many tiles of a frame are done of how many; a dense map reads each tile twice.
    """

    def __init__(
        self,
        known: Known,
        tiler: Tiler,
        *,
        device: Device,
        how: Reduction,
        blend: Blend,
        place: Path,
        timings: Timings,
        told: Callable[[int, int], None],
    ) -> None:
        self._device, self._how, self._place = device, how, place
        passes = 1 if known.features is None else 2
        self._tiler = replace(tiler, told=lambda done, of: told(done, passes * of))
        self._head: ChosenClasses | None = None
        if known.features is not None:
            self._head = ChosenClasses(known.features)
            self._dense = Tiler(
                model=Dense(known.features, self._head).eval(),
                tile_px=tiler.tile_px,
                overlap=tiler.overlap,
                batch=tiler.batch,
                layout=tiler.layout,
                blend=blend,
                timings=timings,
                told=lambda done, of: told(of + done, passes * of),
            )

    def __call__(self, frame: Tensor) -> Seen:
        """Return what the model says of a frame, uint8 (channels, height, width)."""
        logits = self._tiler.tiles(frame)
        of_tiles = logits.softmax(dim=1)
        seen = Seen(
            grid=self._tiler.grid_of(frame),
            of_tiles=of_tiles.cpu().numpy(),
            of_frame=frame_logits(logits, self._how).softmax(dim=0).cpu().numpy(),
        )
        if self._head is None:
            return seen
        surest = of_tiles.amax(dim=0).topk(min(MOST_IN_A_MAP, of_tiles.shape[1])).indices
        self._head.chosen = surest
        with room_for((len(surest), *frame.shape[1:]), self._place, self._device) as out:
            numbers = likeliest(self._dense.dense(frame, out))
        return Seen(**{**vars(seen), "class_map": by_area(numbers, surest.tolist())})


def in_colours_of(frame: np.ndarray, channels: int) -> np.ndarray:
    """Return a frame, uint8 (height, width, 3), with the channels that a model takes: three, or one of grey."""
    return np.asarray(Image.fromarray(frame).convert("L"))[..., None].copy() if channels == GREY else frame


@contextmanager
def room_for(shape: tuple[int, ...], place: Path, device: Device) -> Iterator[Tensor | None]:
    """Give a float32 tensor mapped to a file, which goes afterwards; None where the device's memory has room."""
    num_bytes = BYTES_OF_A_NUMBER * int(np.prod(shape))
    if num_bytes <= spare_bytes(device):
        yield None
        return
    path = place / f".{os.getpid()}.map.partial"
    try:
        with naming(path):
            place.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, num_bytes)  # else a full disk would kill the process later
        flat = torch.from_file(str(path), shared=True, size=num_bytes // BYTES_OF_A_NUMBER, dtype=torch.float32)
        yield flat.view(shape)
    finally:
        path.unlink(missing_ok=True)


def likeliest(scores: Tensor) -> np.ndarray:
    """Return the number of the highest score at each pixel, uint8 (height, width), of (classes, height, width)."""
    height, width = scores.shape[1:]
    numbers = np.empty((height, width), dtype=np.uint8)
    for first in range(0, height, STRIP_ROWS):  # argmax needs eight bytes a pixel
        strip = scores[:, first : first + STRIP_ROWS].argmax(dim=0)
        numbers[first : first + STRIP_ROWS] = strip.to(torch.uint8).cpu().numpy()
    return numbers


def by_area(numbers: np.ndarray, classes: list[int]) -> ClassMap:
    """Return a map of classes, numbered anew: 0 is the class with the largest area."""
    counts = np.bincount(numbers.ravel(), minlength=len(classes))
    order = np.argsort(-counts, kind="stable")
    anew = np.empty(len(classes), dtype=np.uint8)
    anew[order] = np.arange(len(classes))
    return ClassMap(
        numbers=anew[numbers],
        classes=tuple(classes[place] for place in order),
        shares=tuple(float(counts[place] / numbers.size) for place in order),
    )
