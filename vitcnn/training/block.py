"""One or several batches of images that are augmented together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from vitcnn.images import in_sequences


@dataclass(frozen=True, kw_only=True)
class Block:
    """Images (images, channels, px, px), uint8 or normalised floats, and the targets of samples, all on one device.

    A sample is an image; or where there are `members`, int64 (count, length), several: their places in `images`, -1
    behind the last. `targets` are labels, int64 (count,), or shares of classes, float (count, classes). `indices`,
    int64 (images,), are the images' places in their split; `epoch` counts from 0.
    """

    images: Tensor
    targets: Tensor
    indices: Tensor
    epoch: int
    num_classes: int
    members: Tensor | None = None

    def batches(self, count: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the inputs and targets of `count` samples at a time; the images must be normalised."""
        if self.members is None:
            yield from zip(self.images.split(count), self.targets.split(count), strict=True)
            return
        for members, targets in zip(self.members.split(count), self.targets.split(count), strict=True):
            yield in_sequences(self.images, members), targets
