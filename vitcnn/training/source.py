"""Where training takes its blocks from: a protocol, so that images, cached features and sequences train by one loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from torch import Generator, Tensor

from vitcnn.training.block import Block

EPOCHS_PER_SEED = 10_007
"""More epochs than any recipe has, so that no two seeds share an order."""


def host_seed(generator: Generator, epoch: int) -> int:
    """Return the seed by which the host draws in an epoch: what it drew on the device it would have to wait for."""
    return EPOCHS_PER_SEED * generator.initial_seed() + epoch


class Source(Protocol):
    """A split of a task that is, or arrives, on one device."""

    @property
    def bytes_per_sample(self) -> int:
        """Bytes of one sample's input as it is stored."""

    @property
    def images_per_sample(self) -> float:
        """Images of a sample, in the mean."""

    @property
    def labels(self) -> Tensor:
        """What is to be answered, (count,), wherever it lies."""

    def __len__(self) -> int: ...

    def first(self, count: int) -> Source:
        """Return the first `count` samples, or all where there are fewer."""

    def shuffled(self, count: int, block: int, generator: Generator, epoch: int) -> Iterator[Block]:
        """Yield `count` samples in random order, `block` at a time, on the device."""

    def in_order(self, batch: int) -> Iterator[Tensor]:
        """Yield every sample's input once, ready for the model, in order, on the device."""
