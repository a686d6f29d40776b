"""Turns what Pillow reads into 8-bit RGB: transparent parts over white, 16 bits scaled."""

from __future__ import annotations

import numpy as np
from PIL import Image

WITH_ALPHA = frozenset({"RGBA", "RGBa", "LA", "La", "PA"})

BITS_16 = 65535


def to_rgb(image: Image.Image) -> Image.Image:
    """Return an image of any mode in RGB; ValueError where the range of its values is not known."""
    if image.mode == "F":
        raise ValueError("floating-point pixels, whose range is not known")
    if image.mode.startswith("I"):
        return _from_16_bits(np.asarray(image)).convert("RGB")
    if image.mode in WITH_ALPHA or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _from_16_bits(values: np.ndarray) -> Image.Image:
    """Return the greyscale image of `values`, 0..65535; Pillow's own conversion would clip them at 255."""
    if values.min() < 0 or values.max() > BITS_16:
        raise ValueError("greyscale values beyond 16 bits")
    return Image.fromarray(np.round(values / 257).astype(np.uint8))
