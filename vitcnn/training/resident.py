"""A split that is stored on the device as uint8, and its blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor

from vitcnn.device import Device
from vitcnn.images import normalize, shrunk
from vitcnn.spec import Split
from vitcnn.training.block import Block
from vitcnn.training.stored import Stored

SHRINK_BATCH = 256


@dataclass(frozen=True, kw_only=True)
class Resident(Stored):
    """Images and labels on one device."""

    @classmethod
    def of(cls, split: Split, device: Device, *, num_classes: int) -> Resident:
        """Copy a split to the device, once."""
        images, labels = (torch.from_numpy(array).to(device.name) for array in (split.images, split.labels))
        return cls(images=images, labels=labels, num_classes=num_classes)

    def shuffled(self, count: int, block: int, generator: Generator, epoch: int) -> Iterator[Block]:
        """Yield `count` images in random order, `block` at a time."""
        order = torch.randperm(len(self), generator=generator, device=self.labels.device)[:count]
        for indices in order.split(block):
            yield Block(
                images=self.images.index_select(0, indices),
                targets=self.labels[indices],
                indices=indices,
                epoch=epoch,
                num_classes=self.num_classes,
            )

    def in_order(self, batch: int) -> Iterator[Tensor]:
        """Yield every image once, normalised, in order."""
        for images in self.images.split(batch):
            yield normalize(images)


def shrunk_split(split: Split, px: int, device: Device) -> Split:
    """Return `split` with images of `px` pixels a side, antialiased, made on the device; itself if no larger."""
    if split.images.shape[-1] <= px:
        return split
    parts = np.array_split(split.images, -(-len(split.images) // SHRINK_BATCH))
    resized = [shrunk(torch.from_numpy(part).to(device.name), px).cpu() for part in parts]
    return replace(split, images=torch.cat(resized).numpy())
