"""A split that is too large for the device: its blocks are copied from host memory while the model trains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from vitcnn.device import Device, spare_bytes
from vitcnn.images import normalize
from vitcnn.spec import Split
from vitcnn.training.arranged import Arranged
from vitcnn.training.block import Block
from vitcnn.training.resident import Resident
from vitcnn.training.source import Source, host_seed
from vitcnn.training.stored import Stored


@dataclass(frozen=True, kw_only=True)
class Streamed(Stored):
    """Images and labels in host memory.

    On CUDA a block is gathered into pinned memory and copied on a stream of its own, one block ahead of the training.
    """

    device: Device

    @classmethod
    def of(cls, split: Split, device: Device, *, num_classes: int) -> Streamed:
        """Wrap a split; nothing is copied yet."""
        images, labels = torch.from_numpy(split.images), torch.from_numpy(split.labels)
        return cls(images=images, labels=labels, num_classes=num_classes, device=device)

    def shuffled(self, count: int, block: int, generator: Generator, epoch: int) -> Iterator[Block]:
        """Yield `count` images in random order, `block` at a time, on the device.

        The host draws the order by the generator's seed and the epoch: to read a draw from the device it would wait.
        """
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(host_seed(generator, epoch)))[:count]
        for part in self._ahead(order.split(block)):
            yield Block(**part, epoch=epoch, num_classes=self.num_classes)

    def in_order(self, batch: int) -> Iterator[Tensor]:
        """Yield every image once, normalised, in order, on the device."""
        for part in self._ahead(torch.arange(len(self)).split(batch)):
            yield normalize(part["images"])

    def _ahead(self, parts: Sequence[Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield images, targets and indices of each part, the copy of the next part already under way."""
        stream = torch.cuda.Stream(self.device.name) if self.device.is_cuda else None
        started = (self._start(indices, stream) for indices in parts)
        coming = next(started, None)
        while coming is not None:
            part, coming = coming, next(started, None)
            yield part.arrived()

    def _start(self, indices: Tensor, stream: torch.cuda.Stream | None) -> _Copy:
        """Gather a part on the host and start its copy."""
        gathered = {"images": self.images.index_select(0, indices), "targets": self.labels[indices], "indices": indices}
        if stream is None:
            return _Copy(gathered, None)
        with torch.cuda.stream(stream):
            part = {n: tensor.pin_memory().to(self.device.name, non_blocking=True) for n, tensor in gathered.items()}
            return _Copy(part, stream.record_event())


@dataclass(frozen=True)
class _Copy:
    """Tensors on their way to the device, and the event that says that they are there; None where they are."""

    part: dict[str, Tensor]
    event: torch.cuda.Event | None

    def arrived(self) -> dict[str, Tensor]:
        """Return the tensors; the device waits for them before it uses them, the host does not."""
        if self.event is not None:
            stream = torch.cuda.current_stream(self.part["images"].device)
            stream.wait_event(self.event)
            for tensor in self.part.values():
                tensor.record_stream(stream)
        return self.part


def source_of(split: Split, device: Device, *, num_classes: int) -> Source:
    """Return `split` on the device where it takes no more than its share of the memory there, else streamed.

    Of sequences the images are always on the device: each is in several of them.
    """
    if split.members is not None:
        return Arranged.of(split, device, num_classes=num_classes)
    if device.is_cuda and split.images.nbytes > spare_bytes(device):
        return Streamed.of(split, device, num_classes=num_classes)
    return Resident.of(split, device, num_classes=num_classes)
