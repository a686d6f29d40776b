"""One or several batches of images that are augmented together."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Block:
    """Images (count, channels, px, px), uint8 or normalised floats, and their targets, all on one device.

    `targets` are classes, int64 (count,), or shares of classes, float (count, classes). `indices`, int64 (count,), are
    the images' places in their split; `epoch` counts from 0.
    """

    images: Tensor
    targets: Tensor
    indices: Tensor
    epoch: int
    num_classes: int
