"""A split whose samples are sequences of images: the images lie on the device once, a sequence is a row of places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor

from vitcnn.device import Device
from vitcnn.images import in_sequences, normalize
from vitcnn.spec import Split
from vitcnn.training.block import Block
from vitcnn.training.source import host_seed


@dataclass(frozen=True, kw_only=True)
class Arranged:
    """Images, uint8 (images, channels, px, px), on one device; their `members` and labels, int64, in host memory.

    `members` (count, length) are places in `images`, -1 behind the last of a sequence. The host chooses what a block
    holds, so that it knows how many images that are without asking the device.
    """

    images: Tensor
    members: Tensor
    labels: Tensor
    num_classes: int
    drawn_anew: Callable[[int], tuple[np.ndarray, np.ndarray]] | None

    @classmethod
    def of(cls, split: Split, device: Device, *, num_classes: int) -> Arranged:
        """Copy the images of a split to the device, once."""
        assert split.members is not None, "a split without members is one of images"
        return cls(
            images=torch.from_numpy(split.images).to(device.name),
            members=torch.from_numpy(split.members),
            labels=torch.from_numpy(split.labels),
            num_classes=num_classes,
            drawn_anew=split.drawn_anew,
        )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def images_per_sample(self) -> float:
        return int((self.members >= 0).sum()) / len(self)

    @property
    def bytes_per_sample(self) -> int:
        """Bytes of the images of a sequence of mean length."""
        return round(self.images[0].nbytes * self.images_per_sample)

    def first(self, count: int) -> Arranged:
        """Return the first `count` sequences, the same in every epoch, or all where there are fewer."""
        return replace(self, members=self.members[:count], labels=self.labels[:count], drawn_anew=None)

    def shuffled(self, count: int, block: int, generator: Generator, epoch: int) -> Iterator[Block]:
        """Yield `count` sequences in random order, `block` at a time; of those drawn anew, an epoch's own.

        The host draws by the generator's seed and the epoch: to read a draw from the device it would wait.
        """
        seed = host_seed(generator, epoch)
        members, labels = self._of_epoch(seed)
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))[:count]
        for chosen in order.split(block):
            yield self._block(members[chosen], labels[chosen], epoch)

    def in_order(self, batch: int) -> Iterator[Tensor]:
        """Yield every sequence once, normalised, in order."""
        for members, labels in zip(self.members.split(batch), self.labels.split(batch), strict=True):
            block = self._block(members, labels, epoch=0)
            assert block.members is not None
            yield in_sequences(normalize(block.images), block.members)

    def _of_epoch(self, seed: int) -> tuple[Tensor, Tensor]:
        if self.drawn_anew is None:
            return self.members, self.labels
        members, labels = self.drawn_anew(seed)
        return torch.from_numpy(members), torch.from_numpy(labels)

    def _block(self, members: Tensor, labels: Tensor, epoch: int) -> Block:
        """Return the images that sequences need, each once for each place, and their places among these."""
        is_there = members >= 0
        indices = self._on_device(members[is_there])
        places = torch.where(is_there, is_there.flatten().cumsum(0).view(members.shape) - 1, -1)
        return Block(
            images=self.images.index_select(0, indices),
            targets=self._on_device(labels),
            indices=indices,
            epoch=epoch,
            num_classes=self.num_classes,
            members=self._on_device(places),
        )

    def _on_device(self, tensor: Tensor) -> Tensor:
        """Return a tensor of the host on the device, which the host does not wait for."""
        pinned = tensor.pin_memory() if self.images.is_cuda else tensor
        return pinned.to(self.images.device, non_blocking=True)
