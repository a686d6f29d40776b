"""Random erasing: a rectangle of some images becomes mid-grey."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from vitcnn.recipes.parts import RandomErasing
from vitcnn.training.block import Block

NUM_TRIES = 10


@dataclass(frozen=True, kw_only=True)
class Rectangles:
    """One for each image: its upper left corner and its size in pixels, int64 (batch,). Without height it is none."""

    top: Tensor
    left: Tensor
    height: Tensor
    width: Tensor

    def covers(self, height: int, width: int) -> Tensor:
        """Return which pixels of images of this size lie in their rectangle, bool (batch, height, width)."""
        rows = _between(self.top, self.top + self.height, height)
        columns = _between(self.left, self.left + self.width, width)
        return rows[:, :, None] & columns[:, None, :]


def _between(start: Tensor, stop: Tensor, size: int) -> Tensor:
    """Return bool (batch, size): which of 0 .. size - 1 are from `start` on and before `stop`."""
    places = torch.arange(size, device=start.device)
    return (places >= start[:, None]) & (places < stop[:, None])


def random_erasing(block: Block, bounds: RandomErasing, generator: Generator) -> Block:
    """Set a rectangle of its own to mid-grey in each image, float -1..1, with probability `share`."""
    count, _, height, width = block.images.shape
    chosen = torch.rand(count, generator=generator, device=block.images.device) < bounds.share
    drawn = draw_rectangles(bounds, count, height, width, generator)
    return replace(block, images=erase(block.images, replace(drawn, height=drawn.height * chosen)))


def draw_rectangles(bounds: RandomErasing, count: int, height: int, width: int, generator: Generator) -> Rectangles:
    """Draw rectangles for `count` images of (height, width) pixels: area uniform, aspect ratio log-uniform.

    The first of ten draws that is smaller than the image counts, as in torchvision; where none is, there is none.
    """
    device = generator.device
    areas, aspects = torch.rand((2, NUM_TRIES, count), generator=generator, device=device)
    corners = torch.rand((2, count), generator=generator, device=device)
    pixels = (bounds.area[0] + areas * (bounds.area[1] - bounds.area[0])) * (height * width)
    low, high = (math.log(aspect) for aspect in bounds.aspect)
    aspect = (low + aspects * (high - low)).exp_()
    heights, widths = (pixels * aspect).sqrt_().round_(), (pixels / aspect).sqrt_().round_()
    fits = (heights < height) & (widths < width)
    first = fits.int().argmax(dim=0, keepdim=True)
    of_height, of_width, found = (tries.gather(0, first)[0] for tries in (heights, widths, fits))
    return Rectangles(
        top=_somewhere(corners[0], height - of_height),
        left=_somewhere(corners[1], width - of_width),
        height=(of_height * found).long(),
        width=(of_width * found).long(),
    )


def _somewhere(share: Tensor, room: Tensor) -> Tensor:
    """Return whole numbers from 0 to `room`, equally likely, from `share`, 0..1."""
    return (share * (room + 1)).floor_().minimum(room).clamp_(min=0).long()


def erase(images: Tensor, rectangles: Rectangles) -> Tensor:
    """Set the rectangles to 0, the grey between black, -1, and white, 1."""
    kept = rectangles.covers(*images.shape[-2:]).logical_not_().to(images.dtype)
    return images * kept[:, None]
