"""Real images of any size for cases that measure speed and memory: nothing here is scored.

Zeros run faster than data on some hardware, so timing needs real input. 28 px: greyscale digits of `digits`. Any other
size: crops of the two photographs that ship with scikit-learn, laid side by side until they fill the frame.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from vitcnn.spec import InputShape
from vitcnn.tasks import digits

NUM_CLASSES = 10


def input_shape(px: int, num_classes: int = NUM_CLASSES) -> InputShape:
    """Return the shape of images of `px` pixels a side: greyscale at 28 px, RGB otherwise."""
    return InputShape(px=px, channels=1 if px == digits.PX else 3, num_classes=num_classes)


def batch(px: int, count: int) -> np.ndarray:
    """Return `count` images, uint8 (count, channels, px, px), the same for the same arguments."""
    if px == digits.PX:
        images = _digits()
        return images[np.arange(count) % len(images)]
    wall = frame(width=2 * px + PHOTOGRAPHS_WIDTH, height=2 * px + PHOTOGRAPHS_HEIGHT)
    rng = np.random.default_rng(0)
    tops = rng.integers(0, wall.shape[1] - px, count)
    lefts = rng.integers(0, wall.shape[2] - px, count)
    return np.stack([wall[:, t : t + px, q : q + px] for t, q in zip(tops, lefts, strict=True)])


PHOTOGRAPHS_WIDTH = 1280
PHOTOGRAPHS_HEIGHT = 427


def frame(*, width: int, height: int) -> np.ndarray:
    """Return one photographic frame, uint8 (3, height, width)."""
    photographs = _photographs()
    rows, columns = -(-height // photographs.shape[1]), -(-width // photographs.shape[2])
    return np.ascontiguousarray(np.tile(photographs, (1, rows, columns))[:, :height, :width])


@cache
def _photographs() -> np.ndarray:
    """Return both photographs side by side, uint8 (3, 427, 1280)."""
    from sklearn.datasets import load_sample_image

    images = [load_sample_image("china.jpg"), load_sample_image("flower.jpg")]
    return np.concatenate(images, axis=1).transpose(2, 0, 1)


@cache
def _digits() -> np.ndarray:
    return digits.load_digits().train.images
