"""TrivialAugment: each image undergoes one of 14 operations, at one of 31 levels, as torchvision's TrivialAugmentWide.

All images pass through all that follows, which leaves as it is what is not theirs: one warp, one table of levels per
channel (brightness, contrast, posterise, solarise, autocontrast, equalise), one blend (colour, sharpness).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from vitcnn.recipes.parts import TrivialAugment
from vitcnn.training.augment.colour import MAX_LEVEL, blend, grey, mean, per_image, whole
from vitcnn.training.block import Block

LEVELS = 31


class Operation(IntEnum):
    """In torchvision's order."""

    IDENTITY = 0
    SHEAR_X = 1
    SHEAR_Y = 2
    TRANSLATE_X = 3
    TRANSLATE_Y = 4
    ROTATE = 5
    BRIGHTNESS = 6
    COLOR = 7
    CONTRAST = 8
    SHARPNESS = 9
    POSTERIZE = 10
    SOLARIZE = 11
    AUTO_CONTRAST = 12
    EQUALIZE = 13


@dataclass(frozen=True, kw_only=True)
class Draws:
    """What each image undergoes: an `Operation` and a level, 0..30, int64 (batch,), and whether it is negative."""

    operation: Tensor
    level: Tensor
    negative: Tensor

    def magnitude(self) -> Tensor:
        """Return how strong each image's operation is, in its own unit, float64 (batch,)."""
        signed = (self.operation >= Operation.SHEAR_X) & (self.operation <= Operation.SHARPNESS)
        sizes = magnitudes(self.operation.device)[self.operation, self.level]
        return sizes * torch.where(signed & self.negative, -1.0, 1.0)


def random_trivial_augment(block: Block, _settings: TrivialAugment, generator: Generator) -> Block:
    """Apply an operation of its own to each image."""
    return replace(block, images=trivial_augment(block.images, draw(len(block.images), generator)))


def draw(count: int, generator: Generator) -> Draws:
    """Draw operations, levels and signs, all equally likely, for `count` images."""
    operation, level, negative = (
        torch.randint(highest, (count,), generator=generator, device=generator.device)
        for highest in (len(Operation), LEVELS, 2)
    )
    return Draws(operation=operation, level=level, negative=negative == 1)


def magnitudes(device: torch.device) -> Tensor:
    """Return the size of each operation at each level, float64 (14, 31)."""

    def up_to(highest: float) -> Tensor:
        return torch.linspace(0.0, highest, LEVELS, device=device)

    share, shift, nothing = up_to(0.99), up_to(32.0).trunc(), up_to(0.0)
    bits = 8 - (torch.arange(LEVELS, device=device) / ((LEVELS - 1) / 6)).round()
    threshold = torch.linspace(255.0, 0.0, LEVELS, device=device)
    rows = [nothing, share, share, shift, shift, up_to(135.0), *[share] * 4, bits, threshold, nothing, nothing]
    return torch.stack(rows).double()


def trivial_augment(images: Tensor, draws: Draws) -> Tensor:
    """Apply to each of the uint8 images, from 3 px, of one or three channels, what was drawn for it."""
    size = draws.magnitude()
    levels = warped(images.float(), draws.operation, size)
    greys = grey(levels)
    levels = looked_up(levels, greys, draws.operation, size)
    return colour_and_sharpness(levels, greys, draws.operation, size).to(torch.uint8)


def warped(levels: Tensor, operation: Tensor, size: Tensor) -> Tensor:
    """Shear about the top left corner, shift or turn; the nearest pixel, black from outside."""

    def of(kind: Operation) -> Tensor:
        return size * (operation == kind)

    height, width = levels.shape[-2:]
    angle, shear_x, shear_y = torch.deg2rad(of(Operation.ROTATE)), of(Operation.SHEAR_X), of(Operation.SHEAR_Y)
    cos, sin = angle.cos(), angle.sin()
    shift_x = shear_x * (height / 2) - of(Operation.TRANSLATE_X)
    shift_y = shear_y * (width / 2) - of(Operation.TRANSLATE_Y)
    columns, rows = half_pixels(width, levels.device), half_pixels(height, levels.device)[:, None]

    def places(of_column: Tensor, of_row: Tensor, shift: Tensor, extent: int) -> Tensor:
        """Return where each pixel comes from along one side of `extent` pixels, -1..1, (batch, height, width)."""
        by_column, by_row, by_all = (
            (term / (extent / 2)).float()[:, None, None] for term in (of_column, of_row, shift)
        )
        return by_column * columns + (by_row * rows + by_all)

    across, down = places(cos, shear_x - sin, shift_x, width), places(shear_y + sin, cos, shift_y, height)
    grid = torch.stack((across, down), dim=-1)
    return F.grid_sample(levels, grid, mode="nearest", padding_mode="zeros", align_corners=False)


def half_pixels(count: int, device: torch.device) -> Tensor:
    """Return where the middles of `count` pixels lie, in pixels from the middle of the image."""
    return torch.arange(count, device=device, dtype=torch.float32) - (count - 1) / 2


def looked_up(levels: Tensor, greys: Tensor, operation: Tensor, size: Tensor) -> Tensor:
    """Give each pixel the level that the table of its image and channel has for its own."""
    places = levels.long().flatten(2)
    table = point_table(levels, greys, operation, size)
    table = torch.where((operation == Operation.EQUALIZE)[:, None, None], equalizing_table(places), table)
    return table.gather(2, places).view_as(levels)


def point_table(levels: Tensor, greys: Tensor, operation: Tensor, size: Tensor) -> Tensor:
    """Return what becomes of each level, (batch, channels, 256): all operations that look at one pixel at a time."""

    def drawn(kind: Operation, otherwise: float) -> Tensor:
        return torch.where(operation == kind, size, otherwise)

    table = torch.arange(MAX_LEVEL + 1, device=levels.device, dtype=torch.float32).expand(*levels.shape[:2], -1)
    factor = 1 + drawn(Operation.BRIGHTNESS, 0.0) + drawn(Operation.CONTRAST, 0.0)
    towards = mean(greys)[..., 0] * per_image(operation == Operation.CONTRAST, table)
    table = blend(table, towards, factor)

    stretched = (operation == Operation.AUTO_CONTRAST)[:, None, None]
    darkest, brightest = levels.amin((2, 3))[..., None], levels.amax((2, 3))[..., None]
    stretched = stretched & (brightest > darkest)
    table = torch.where(stretched, whole((table - darkest) * (MAX_LEVEL / (brightest - darkest))), table)

    step = per_image((8 - drawn(Operation.POSTERIZE, 8.0)).exp2().round(), table)
    table = (table / step).floor() * step
    threshold = per_image(drawn(Operation.SOLARIZE, MAX_LEVEL + 1.0), table)
    return torch.where(table >= threshold, MAX_LEVEL - table, table)


def equalizing_table(places: Tensor) -> Tensor:
    """Return the table, (batch, channels, 256), that spreads the levels at `places`, int64 (batch, channels, pixels).

    As Pillow does it: a level becomes the count of pixels below it, in steps of a 255th of all but the brightest.
    """
    levels = torch.arange(MAX_LEVEL + 1, device=places.device).expand(*places.shape[:2], -1)
    one = torch.ones((), dtype=torch.int32, device=places.device)
    counts = torch.zeros_like(levels, dtype=torch.int32).scatter_add_(2, places, one.expand_as(places))
    of_brightest = counts.gather(2, places.amax(dim=2, keepdim=True))
    step = (places.shape[2] - of_brightest) // MAX_LEVEL
    below = counts.cumsum(2) - counts
    spread = ((below + step // 2) // step.clamp(min=1)).clamp_(0, MAX_LEVEL)
    return torch.where(step == 0, levels, spread).float()


def colour_and_sharpness(levels: Tensor, greys: Tensor, operation: Tensor, size: Tensor) -> Tensor:
    """Move each image away from its grey or blurred self, or towards it; what is grey has no colour to change."""
    coloured = (operation == Operation.COLOR) & (levels.shape[1] > 1)
    sharpened = operation == Operation.SHARPNESS
    factor = 1 + size * (coloured | sharpened)
    other = greys * per_image((1 - factor) * coloured, levels)
    other = blurred(levels).mul_(per_image((1 - factor) * sharpened, levels)).add_(other)
    return whole(other.add_(levels * per_image(factor, levels)))


def blurred(levels: Tensor) -> Tensor:
    """Return the mean of each pixel, five times, and its eight neighbours, rounded; the border stays."""
    beside = levels[..., :-2] + levels[..., 1:-1] + levels[..., 2:]
    around = beside[..., :-2, :] + beside[..., 1:-1, :] + beside[..., 2:, :]
    smooth = levels.clone()
    smooth[..., 1:-1, 1:-1] = ((around + 4 * levels[..., 1:-1, 1:-1]) / 13).round_()
    return smooth
