"""Draws the images of a generated task in batches, with balanced classes in random order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vitcnn.spec import Data, InputShape, Progress, Split

if TYPE_CHECKING:
    from torch import Generator, Tensor

BATCH = 1_000

Draw = Callable[["Tensor", "Generator"], "Tensor"]
"""From labels, int64 (batch,), to their images, uint8 (batch, channels, px, px)."""


def drawn(
    train: Draw,
    test: Draw,
    *,
    shape: InputShape,
    num_train: int,
    num_test: int,
    seed: int,
    progress: Progress,
    text: str,
) -> Data:
    """Return what `train` and `test` draw, each by a seed of its own: same `seed`, same images."""

    def report(done: int) -> None:
        total = num_train + num_test
        progress(done, total, f"{done:,}/{total:,} {text}")

    return Data(
        train=_split(train, shape, num_train, 2 * seed, report),
        test=_split(test, shape, num_test, 2 * seed + 1, lambda done: report(num_train + done)),
    )


def _split(draw: Draw, shape: InputShape, count: int, seed: int, report: Callable[[int], None]) -> Split:
    import torch

    generator = torch.Generator().manual_seed(seed)
    labels = (torch.arange(count) % shape.num_classes)[torch.randperm(count, generator=generator)]
    images = torch.empty((count, shape.channels, shape.px, shape.px), dtype=torch.uint8)
    for start in range(0, count, BATCH):
        batch = labels[start : start + BATCH]
        images[start : start + BATCH] = draw(batch, generator)
        report(start + len(batch))
    # Copies: an array that shares a tensor's memory keeps it alive, as a leak of the case that drew it.
    return Split(images=images.numpy().copy(), labels=labels.numpy().copy())
