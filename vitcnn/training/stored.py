"""Images that are stored as bytes, wherever that is: what `Resident` and `Streamed` share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Images, uint8 (count, channels, px, px), and labels, int64 (count,): each image is a sample."""

    images: Tensor
    labels: Tensor
    num_classes: int

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def images_per_sample(self) -> float:
        return 1.0

    @property
    def bytes_per_sample(self) -> int:
        """Bytes of one image."""
        return self.images[0].nbytes

    def first(self, count: int) -> Self:
        """Return the first `count` images, or all where there are fewer."""
        return replace(self, images=self.images[:count], labels=self.labels[:count])
