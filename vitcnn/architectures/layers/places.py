"""The places of sequences of images: a CPU works on those alone that hold an image, a GPU on all."""

from __future__ import annotations

import torch
from torch import Tensor

from vitcnn.images import holds_image


def skips_empty_places(sequences: Tensor) -> bool:
    """Whether work on empty places is saved: on a CPU.

    Elsewhere the shapes would depend on the values: a GPU would wait for the host, tensors without values have none to
    look at, and a compiled model would be compiled anew for each batch.
    """
    return type(sequences) is Tensor and sequences.device.type == "cpu" and not torch.compiler.is_compiling()


class Places:
    """Which places of sequences (batch, length, ...) are worked on, as rows (rows, ...), and the way there and back."""

    def __init__(self, sequences: Tensor) -> None:
        self.filled = holds_image(sequences)
        self.index = self.filled.flatten().nonzero()[:, 0] if skips_empty_places(sequences) else None

    def take(self, padded: Tensor) -> Tensor:
        """Return the rows of `padded`, (batch, length, ...)."""
        every = padded.flatten(0, 1)
        return every if self.index is None else every.index_select(0, self.index)

    def put(self, rows: Tensor) -> Tensor:
        """Return rows at their places, (batch, length, ...); zeros where there is no image."""
        places, shape = self.filled.numel(), (*self.filled.shape, *rows.shape[1:])
        if self.index is None:
            is_empty = ~self.filled.flatten().view(-1, *(1 for _ in rows.shape[1:]))
            return rows.masked_fill(is_empty, 0).view(shape)
        return rows.new_zeros(places, *rows.shape[1:]).index_copy(0, self.index, rows).view(shape)

    def sum(self, rows: Tensor) -> Tensor:
        """Return the sum over the images of each sequence, (batch, ...)."""
        return self.put(rows).sum(dim=1)

    def count(self, dtype: torch.dtype) -> Tensor:
        """Return the number of images of each sequence, (batch, 1)."""
        return self.filled.sum(dim=1, keepdim=True).to(dtype)

    def bias(self, dtype: torch.dtype) -> Tensor:
        """Return what keeps attention from empty places, (batch, 1, 1, length): 0, or so low that nothing is left.

        It is finite, so that a sequence without images has an answer and gradients, too.
        """
        lowest = torch.finfo(dtype).min / 2
        return torch.zeros_like(self.filled, dtype=dtype).masked_fill(~self.filled, lowest)[:, None, None]
