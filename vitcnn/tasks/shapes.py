"""Generates images of ten shapes in two colours on a mottled background, as many as CIFAR-10 has.

Where a shape lies, how large it is, how it is turned and whether it is brighter or darker than the ground is drawn
anew for each image, so no single pixel says much of the class.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vitcnn.spec import Data, InputShape, Progress, Task
from vitcnn.tasks.cache import cached
from vitcnn.tasks.drawing import drawn

if TYPE_CHECKING:
    from torch import Generator, Tensor

VERSION = 1
"""Raised whenever the same seed gives other images than before."""

PX = 32
NUM_TRAIN, NUM_TEST = 50_000, 10_000

MIN_RADIUS_PX, MAX_RADIUS_PX = 8, 13
MIN_CONTRAST, MAX_CONTRAST = 0.25, 0.5
"""Difference between the mean of the shape's red, green and blue and that of the ground's, of 0..1."""

MAX_SHADE = 0.1
MAX_TINT = 0.15
MAX_MOTTLE = 0.15
MOTTLE_PX = 8
NOISE = 0.08


def disc(x: Tensor, y: Tensor, radius: float = 0.9) -> Tensor:
    """Return the signed distance to the shape's edge, below 0 inside, as all of these do; they fit in a unit disc."""
    return (x.square() + y.square()).sqrt() - radius


def ring(x: Tensor, y: Tensor) -> Tensor:
    """A disc with a round hole."""
    return disc(x, y, 0.7).abs() - 0.2


def rectangle(x: Tensor, y: Tensor, half_width: float, half_height: float) -> Tensor:
    """A rectangle; beyond its corners less than the distance."""
    return (x.abs() - half_width).maximum(y.abs() - half_height)


def square(x: Tensor, y: Tensor) -> Tensor:
    """A rectangle of equal sides."""
    return rectangle(x, y, 0.7, 0.7)


def frame(x: Tensor, y: Tensor) -> Tensor:
    """A square with a square hole."""
    return rectangle(x, y, 0.55, 0.55).abs() - 0.15


def wedges(x: Tensor, y: Tensor, *, num_points: int, inner: float) -> Tensor:
    """A star: its edges join points at radius 1 with points at the `inner` radius between them."""
    half = math.pi / num_points
    angle = ((y.atan2(x) + half).remainder(2 * half) - half).abs()
    radius = disc(x, y, 0)
    edge_x, edge_y = inner * math.cos(half) - 1, inner * math.sin(half)
    return ((radius * angle.cos() - 1) * edge_y - radius * angle.sin() * edge_x) / math.hypot(edge_x, edge_y)


def triangle(x: Tensor, y: Tensor) -> Tensor:
    """An equilateral triangle."""
    return wedges(x, y, num_points=3, inner=0.5)


def star(x: Tensor, y: Tensor) -> Tensor:
    """A star of five points."""
    return wedges(x, y, num_points=5, inner=0.4)


def cross(x: Tensor, y: Tensor) -> Tensor:
    """Two bars at a right angle."""
    return rectangle(x, y, 0.9, 0.28).minimum(rectangle(x, y, 0.28, 0.9))


def crescent(x: Tensor, y: Tensor) -> Tensor:
    """A disc without what another disc covers."""
    return disc(x, y).maximum(-disc(x - 0.5, y, 0.75))


def bar(x: Tensor, y: Tensor) -> Tensor:
    """A long rectangle."""
    return rectangle(x, y, 0.95, 0.3)


def dumbbell(x: Tensor, y: Tensor) -> Tensor:
    """Two discs on a rod."""
    return disc(x.abs() - 0.6, y, 0.4).minimum(rectangle(x, y, 0.6, 0.12))


DISTANCES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    shape.__name__: shape for shape in (disc, ring, square, frame, triangle, star, cross, crescent, bar, dumbbell)
}
"""The classes, in order: signed distances, of coordinates in units of the shape's radius."""

SHAPE = InputShape(px=PX, channels=3, num_classes=len(DISTANCES))


def load_shapes(data_root: Path, progress: Progress) -> Data:
    """Return the images: made once, then kept below `data_root`."""
    settings = json.dumps({"version": VERSION, "counts": (NUM_TRAIN, NUM_TEST), "seed": 0})
    key = hashlib.sha256(settings.encode()).hexdigest()[:12]
    make = partial(make_shapes, num_train=NUM_TRAIN, num_test=NUM_TEST, seed=0, progress=progress)
    return cached(data_root / "made" / f"shapes-{key}.npz", make)


def make_shapes(*, num_train: int, num_test: int, seed: int, progress: Progress) -> Data:
    """Return any number of images: classes balanced, order shuffled; same seed, same images."""
    return drawn(
        _shapes_of,
        _shapes_of,
        shape=SHAPE,
        num_train=num_train,
        num_test=num_test,
        seed=seed,
        progress=progress,
        text="images of shapes made",
    )


def _shapes_of(labels: Tensor, generator: Generator) -> Tensor:
    return _painted(_coverage(labels, generator), generator)


def _coverage(labels: Tensor, generator: Generator) -> Tensor:
    """Return how much of each pixel the shape covers, 0..1 (batch, 1, PX, PX): placed, sized and turned by chance."""
    import torch

    turn, size, across, down = torch.rand((4, len(labels), 1, 1), generator=generator)
    angle, radius = turn * (2 * math.pi), MIN_RADIUS_PX + (MAX_RADIUS_PX - MIN_RADIUS_PX) * size
    room = PX / 2 - radius
    pixels = torch.arange(PX) + 0.5 - PX / 2
    x = (pixels[None, None, :] - (2 * across - 1) * room) / radius
    y = (pixels[None, :, None] - (2 * down - 1) * room) / radius
    turned_x, turned_y = x * torch.cos(angle) - y * torch.sin(angle), x * torch.sin(angle) + y * torch.cos(angle)
    distance = torch.empty_like(turned_x)
    for label, shape in enumerate(DISTANCES.values()):
        mine = labels == label
        distance[mine] = shape(turned_x[mine], turned_y[mine])
    return (0.5 - distance * radius).clamp(0, 1)[:, None]


def _painted(coverage: Tensor, generator: Generator) -> Tensor:
    """Return images, uint8 (batch, 3, PX, PX), of what is covered in one colour and of the mottled rest in another."""
    import torch
    from torch.nn import functional as F

    def draw(*shape: int) -> Tensor:
        return torch.rand((len(coverage), *shape), generator=generator) * 2 - 1

    contrast = MIN_CONTRAST + (MAX_CONTRAST - MIN_CONTRAST) * draw(1, 1, 1).abs()
    half = contrast / 2 * torch.where(draw(1, 1, 1) < 0, -1, 1)
    middle, tints = 0.5 + draw(1, 1, 1) * MAX_SHADE, draw(2, 3, 1, 1) * MAX_TINT
    ground_tint, shape_tint = (tints - tints.mean(dim=2, keepdim=True)).unbind(dim=1)
    mottle = F.interpolate(draw(3, MOTTLE_PX, MOTTLE_PX), (PX, PX), mode="bilinear") * MAX_MOTTLE
    noise = torch.randn((len(coverage), 3, PX, PX), generator=generator) * NOISE
    images = torch.lerp(middle - half + ground_tint, middle + half + shape_tint, coverage) + mottle + noise
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)


SHAPES = Task(
    name="shapes",
    shape=SHAPE,
    classes=tuple(DISTANCES),
    loader=load_shapes,
    recipes="photos",
    target_accuracy=0.9,
    source="made here",
)
"""Logistic regression on the pixels has 12 % of the test part, lenet over 99 % after six epochs."""
