"""What an input is, an image, a folder of images or a video, and the images of a folder in natural order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from vitcnn.errors import UserError
from vitcnn.folders import short

Kind = Literal["image", "folder", "video"]

IMAGES = frozenset({".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".gif", ".avif"})
VIDEOS = frozenset({".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv", ".flv"})
"""What the end of a file's name says it holds; a file of any other name is tried as an image."""

ALLOWED = "an image, a folder of images, or a video"


def kind_of(path: Path) -> Kind:
    """Return what lies at `path`; UserError where nothing does."""
    if path.is_dir():
        return "folder"
    if not path.exists():
        raise UserError(field="INPUT", value=str(path), allowed=ALLOWED, do="It is not there: check the path.")
    return "video" if path.suffix.lower() in VIDEOS else "image"


def images_in(folder: Path) -> tuple[Path, ...]:
    """Return the image files in a folder, not below it, in natural order: `2.png` before `10.png`.

    Hidden files are left out. UserError where there is none, or the folder cannot be listed.
    """
    try:
        files = [path for path in folder.iterdir() if is_image_name(path)]
    except OSError as error:
        raise UserError(field="INPUT", value=short(folder), allowed=ALLOWED, do=f"{error.strerror}.") from error
    if not files:
        do = f"It holds no file that ends in {', '.join(sorted(IMAGES))}."
        raise UserError(field="INPUT", value=short(folder), allowed="a folder with images in it", do=do)
    return tuple(sorted(files, key=natural))


def is_image_name(path: Path) -> bool:
    """Whether the name of a file says that it holds an image."""
    return path.suffix.lower() in IMAGES and not path.name.startswith(".") and not path.is_dir()


def natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Return what a name is sorted by: its numbers as numbers, its letters without regard to case."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", path.name)
    return [
        (int(piece), "") if piece.isdigit() and piece.isascii() else (-1, piece.lower()) for piece in pieces
    ], path.name
