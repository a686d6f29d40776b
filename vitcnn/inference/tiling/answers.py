"""What the logits of a frame's tiles say: of the frame, of each place, and where something was found."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Literal, get_args

from torch import Tensor

from vitcnn.fields import require_one_of
from vitcnn.inference.tiling.grid import Box, TileGrid

Reduction = Literal["mean", "max", "logsumexp"]


def frame_logits(tile_logits: Tensor, how: Reduction = "mean") -> Tensor:
    """Return the logits of the frame, (classes,), from those of its tiles, (tiles, classes).

    `logsumexp` is the logarithm of the mean exponential, which lies between the mean and the maximum.
    """
    require_one_of("how", how, get_args(Reduction))
    if how == "mean":
        return tile_logits.mean(dim=0)
    return tile_logits.amax(dim=0) if how == "max" else tile_logits.logsumexp(dim=0) - log(len(tile_logits))


def heat_maps(tile_logits: Tensor, grid: TileGrid) -> Tensor:
    """Return the probability of each class at each tile, float32 (classes, rows of tiles, columns of tiles)."""
    return tile_logits.softmax(dim=1).T.reshape(-1, len(grid.tops), len(grid.lefts))


@dataclass(frozen=True, kw_only=True)
class Detection:
    """A tile that answers a class, with the probability of it."""

    label: int
    probability: float
    box: Box


def detections(tile_logits: Tensor, grid: TileGrid, most: int) -> list[Detection]:
    """Return the `most` tiles that are surest of their class, the surest first."""
    probabilities, labels = tile_logits.softmax(dim=1).max(dim=1)
    surest = probabilities.argsort(descending=True, stable=True)[:most].tolist()
    found = zip(labels[surest].tolist(), probabilities[surest].tolist(), (grid.boxes[at] for at in surest), strict=True)
    return [Detection(label=label, probability=probability, box=box) for label, probability, box in found]
