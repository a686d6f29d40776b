"""Runs a model on every tile of a frame: cut, normalise, forward in batches, and keep what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from vitcnn.errors import UserError
from vitcnn.fields import require_count, require_one_of, require_tiles
from vitcnn.inference.tiling.answers import Reduction, frame_logits
from vitcnn.inference.tiling.blending import Blend, Blended
from vitcnn.inference.tiling.extraction import extract
from vitcnn.inference.tiling.grid import TileGrid
from vitcnn.inference.tiling.timings import Timings

Output = Literal["tiles", "dense", "frame"]

Corners = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Tiler:
    """Runs `model` on the tiles of frames, uint8 (channels, height, width) with any strides.

    `model` takes normalised tiles, -1..1, (batch, channels, tile_px, tile_px), in the layout; it is in eval mode, and
    its parameters say on which device and in which precision it works. It returns (batch, classes) for `tiles` and
    `frame`, (batch, classes, tile_px, tile_px) for `dense`. With `static`, the last batch of a frame is as large as the
    others, as compiled models want it. Where they are given, `timings` adds up what each part takes, and `told` hears
    how many tiles of a frame are done of how many.
    """

    model: nn.Module
    tile_px: int = 512
    overlap: float = 0.1
    batch: int = 8
    layout: torch.memory_format = torch.contiguous_format
    blend: Blend = "gaussian"
    static: bool = False
    timings: Timings | None = field(default=None, compare=False)
    told: Callable[[int, int], None] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        require_count("batch", self.batch)
        require_count("tile_px", self.tile_px)
        require_tiles(tile_px=self.tile_px, overlap=self.overlap)
        require_one_of("blend", self.blend, get_args(Blend))

    def grid_of(self, frame: Tensor) -> TileGrid:
        """Return where the tiles of a frame lie."""
        require_frame(frame)
        height, width = frame.shape[-2:]
        return TileGrid(width=width, height=height, tile_px=self.tile_px, overlap=self.overlap)

    def tiles(self, frame: Tensor) -> Tensor:
        """Return the logits of each tile, float32 (tiles, classes), in the order of the grid's `corners`."""
        return torch.cat([answers.float() for _, answers in self._answers(frame)])

    def frame(self, frame: Tensor, how: Reduction = "mean") -> Tensor:
        """Return the logits of the frame, float32 (classes,), from those of its tiles."""
        return frame_logits(self.tiles(frame), how)

    def dense(self, frame: Tensor, out: Tensor | None = None) -> Tensor:
        """Return the logits of each pixel, float32 (classes, height, width), blended where tiles overlap.

        They are written to `out` where it is given: a float32 tensor of that shape, which may be mapped to a file.
        """
        blended = Blended(self.grid_of(frame), self.blend, out)
        for corners, answers in self._answers(frame):
            with self._timed("blend"):
                blended.add(corners, answers)
            del answers  # else they are held while the next ones are made
        return blended.result

    def _answers(self, frame: Tensor) -> Iterator[tuple[Corners, Tensor]]:
        """Yield the corners of a batch of tiles and what the model says of them."""
        grid = self.grid_of(frame)
        parameter = next(self.model.parameters(), torch.empty(0, device=frame.device))
        with self._timed("copy"):
            frame = frame.to(parameter.device, non_blocking=True)
        size = self.batch if self.static else min(self.batch, len(grid.corners))
        shape = (size, len(frame), self.tile_px, self.tile_px)
        tiles = torch.empty(shape, dtype=parameter.dtype, device=parameter.device, memory_format=self.layout)
        for first in range(0, len(grid.corners), size):
            corners = grid.corners[first : first + size]
            yield corners, self._forward(frame, grid, corners, tiles)
            if self.told is not None:
                self.told(first + len(corners), len(grid.corners))

    def _forward(self, frame: Tensor, grid: TileGrid, corners: Corners, tiles: Tensor) -> Tensor:
        """Return what the model says of the tiles that begin at `corners`, which are written to `tiles`."""
        with self._timed("forward"), torch.inference_mode():
            extract(frame, grid, corners, tiles[: len(corners)])
            answers: Tensor = self.model(tiles if self.static else tiles[: len(corners)])
            return answers[: len(corners)]

    def _timed(self, part: str) -> Any:
        return nullcontext() if self.timings is None else self.timings(part)


def require_frame(frame: Tensor) -> None:
    """Raise UserError where `frame` is not uint8 (channels, height, width), or holds no pixel."""
    if frame.dtype != torch.uint8 or frame.ndim != 3 or not frame.numel():
        do = "Give the pixels as bytes, 0..255, the channels first."
        value = f"{frame.dtype} {tuple(frame.shape)}"
        raise UserError(field="frame", value=value, allowed="uint8 (channels, height, width), none of them 0", do=do)


def tiled(model: nn.Module, frame: Tensor | np.ndarray, output: Output = "tiles", **settings: Any) -> Tensor:
    """Run a model on the tiles of one frame, uint8: a tensor (channels, height, width) or an array (height, width, 3).

    `output` is `tiles`, the logits of each tile, (tiles, classes); `frame`, those of the frame, (classes,); or `dense`,
    those of each pixel, (classes, height, width). The settings are those of `Tiler`: tile_px, overlap, batch and so on.
    """
    require_one_of("output", output, get_args(Output))
    if isinstance(frame, np.ndarray):
        frame = torch.from_numpy(frame).permute(2, 0, 1)
    result: Tensor = getattr(Tiler(model=model.eval(), **settings), output)(frame)
    return result
