"""Takes a head, which says one thing of an image, to each place of a feature map."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def at_each_place(head: Callable[[Tensor], Tensor], features: Tensor) -> Tensor:
    """Return what `head` says of each place: (batch, features, rows, columns) -> (batch, classes, rows, columns).

    `head` is given all places at once: (places, features) -> (places, classes).
    """
    places = features.permute(0, 2, 3, 1)
    return head(places.flatten(0, 2)).unflatten(0, places.shape[:3]).permute(0, 3, 1, 2)
