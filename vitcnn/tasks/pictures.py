"""Reads image files of any kind that Pillow knows, in threads: their sums, and their pixels as squares of RGB bytes."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from vitcnn.folders import sha256_of_file
from vitcnn.media.rgb import to_rgb

Item = TypeVar("Item")
Result = TypeVar("Result")

REPORT_EVERY = 50

CHANGED = "changed while it was read"
"""Why a file is not decoded whose content is no longer what its sum was taken of."""

DRAFT_TIMES = 4
"""A large JPEG is decoded at 1/2, 1/4 or 1/8 of its size, still so many times what is asked for: much
faster, and within 3 grey levels even of noise."""

MAX_REDUCTION = 8
"""Of sides that it does not divide, a reduced image ends in parts of a pixel, which would stretch it."""


def in_threads(work: Callable[[Item], Result], items: Sequence[Item], report: Callable[[int], None]) -> list[Result]:
    """Return `work` of each of `items`, in their order; `report` is told now and then how many are done."""
    results: list[Result] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for result in pool.map(work, items):
            results.append(result)
            if len(results) % REPORT_EVERY == 0 or len(results) == len(items):
                report(len(results))
    return results


def reorder(rows: np.ndarray, order: Sequence[int]) -> None:
    """Put `rows[order]` in the place of `rows` without a second copy of them; `order` holds each number once."""
    unmoved = set(range(len(rows)))
    while unmoved:
        place = first = unmoved.pop()
        row = rows[first].copy()
        while order[place] != first:
            rows[place] = rows[order[place]]
            place = order[place]
            unmoved.remove(place)
        rows[place] = row


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of the bytes of the file at `path`, or what stands in the way of reading them."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return "not a file"
        return sha256_of_file(path)
    except OSError:
        return "unreadable"


def pictures(
    paths: Sequence[Path], px: int, report: Callable[[int], None], *, sums: Sequence[str] = ()
) -> tuple[np.ndarray, dict[int, str]]:
    """Return the images at `paths`, uint8 (count, 3, px, px), and by number why some of them cannot be decoded.

    Where `sums` are given, as `file_sha256` found them, a file of another content is `CHANGED`.
    """
    images = np.empty((len(paths), 3, px, px), dtype=np.uint8)

    def decode(number: int) -> str:
        try:
            content = _content(paths[number])
            if sums and hashlib.sha256(content).hexdigest() != sums[number]:
                return CHANGED
            images[number] = picture(io.BytesIO(content), px)
        except UnidentifiedImageError:
            return "cannot identify image file"
        except Exception as error:  # a broken file can raise anything
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            return reason.replace(str(paths[number]), paths[number].name)
        return ""

    reasons = in_threads(decode, range(len(paths)), report)
    return images, {number: reason for number, reason in enumerate(reasons) if reason}


def _content(path: Path) -> bytes:
    if not path.is_file():  # a pipe would be waited for
        raise OSError("not a file, or a link to none")
    return path.read_bytes()


def picture(file: Path | IO[bytes], px: int) -> np.ndarray:
    """Return an image as uint8 (3, px, px): upright, over white, its shorter side resized, centre-cropped.

    Of an animation it is the first frame. Any exception where it cannot be decoded whole.
    """
    with Image.open(file) as image:
        if image.width % MAX_REDUCTION == image.height % MAX_REDUCTION == 0:
            image.draft(None, (DRAFT_TIMES * px, DRAFT_TIMES * px))
        ImageOps.exif_transpose(image, in_place=True)
        return np.asarray(_centre(to_rgb(image), px)).transpose(2, 0, 1)


def square(image: np.ndarray, px: int) -> np.ndarray:
    """Return an image, uint8 (1 or 3, height, width), as (3, px, px): its shorter side resized, centre-cropped."""
    rgb = Image.fromarray(np.ascontiguousarray(np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)))
    return np.asarray(_centre(rgb, px)).transpose(2, 0, 1)


def _centre(image: Image.Image, px: int) -> Image.Image:
    """Return what is left of `image` by resizing its shorter side to `px` and cropping the centre, in one step.

    Nothing outside the crop is computed: a panorama 1 px high would fill the memory.
    """
    width, height = image.size
    shorter = min(width, height)
    resized_width, resized_height = px * width // shorter, px * height // shorter
    left, top = round((resized_width - px) / 2), round((resized_height - px) / 2)
    box = (
        left * width / resized_width,
        top * height / resized_height,
        (left + px) * width / resized_width,
        (top + px) * height / resized_height,
    )
    return image.resize((px, px), Image.Resampling.BILINEAR, box=box)
