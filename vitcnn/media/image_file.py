"""Reads one image file of any kind that Pillow knows, at its full size."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from vitcnn.errors import UserError
from vitcnn.folders import short
from vitcnn.media.rgb import to_rgb

MOST_PIXELS = 2**29
"""23,170 x 23,170, which take 1.6 GB: a small file that says it holds more is taken for a decompression bomb."""

NOT_IDENTIFIED = "not an image of a format that Pillow knows, or damaged at its beginning, or without pixels"

_PILLOWS_LIMIT = threading.Lock()


def read_image(path: Path) -> np.ndarray:
    """Return the image at `path` as uint8 RGB, (height, width, 3), upright as its EXIF data says.

    Transparent parts are shown over white, 16 bits are scaled to 8, of an animation the first frame is read. UserError,
    which names the file and says why, where it cannot be read whole.
    """
    try:
        if not path.is_file():  # a pipe would be waited for
            raise OSError("not a file, or a link to none")
        if path.stat().st_size == 0:
            raise OSError("the file is empty")
        return _read(path)
    except UnidentifiedImageError as error:
        raise unreadable(path, NOT_IDENTIFIED) from error
    except MemoryError as error:
        raise unreadable(path, "it does not fit in memory") from error
    except Exception as error:  # a broken file can raise anything
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise unreadable(path, reason.replace(str(path), path.name)) from error


def unreadable(path: Path, reason: str) -> UserError:
    """Return the error that a file cannot be read."""
    do = f"What is wrong with it: {reason.rstrip('.')}. Check the file, or make it again."
    return UserError(field="input", value=short(path), allowed="a whole image", do=do)


def _read(path: Path) -> np.ndarray:
    with _own_limit(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of oddities in metadata, which change no pixel
        with Image.open(path) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise ValueError(f"{width:,} x {height:,} pixels, and at most {MOST_PIXELS:,} in all are read")
            ImageOps.exif_transpose(image, in_place=True)
            return np.array(to_rgb(image))


@contextmanager
def _own_limit() -> Iterator[None]:
    """Set aside Pillow's own limit, which is global and refuses frames of 16,384 x 16,384."""
    with _PILLOWS_LIMIT:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before
