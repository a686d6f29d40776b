"""A split that lives on the device as uint8, and its batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from vitcnn.device import Device
from vitcnn.inference import Resize, normalize
from vitcnn.spec import Split

SHRINK_BATCH = 256


@dataclass(frozen=True, kw_only=True)
class Resident:
    """Images, uint8 (count, channels, px, px), and labels, int64 (count,), on one device."""

    images: Tensor
    labels: Tensor

    @classmethod
    def of(cls, split: Split, device: Device) -> Resident:
        """Copy a split to the device, once."""
        images, labels = (torch.from_numpy(array).to(device.name) for array in (split.images, split.labels))
        return cls(images=images, labels=labels)

    def shrunk_to(self, px: int) -> Resident:
        """Return the split with images of `px` pixels a side, antialiased; itself where they are no larger."""
        if self.images.shape[-1] <= px:
            return self
        resize = Resize(px)
        images = torch.cat([resize(batch.float()).round().to(torch.uint8) for batch in self.images.split(SHRINK_BATCH)])
        return Resident(images=images, labels=self.labels)

    def num_batches(self, batch: int) -> int:
        """Return how many batches an epoch has: whole ones, or one smaller one where the split is smaller."""
        return max(1, len(self.labels) // batch)

    def shuffled(self, batch: int, generator: Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield an epoch of normalised batches in random order; the images left over sit this epoch out."""
        order = torch.randperm(len(self.labels), generator=generator, device=self.labels.device)
        for indices in order.split(batch)[: self.num_batches(batch)]:
            yield normalize(self.images[indices]), self.labels[indices]

    def in_order(self, batch: int) -> Iterator[Tensor]:
        """Yield every image once, normalised, in order."""
        for images in self.images.split(batch):
            yield normalize(images)
