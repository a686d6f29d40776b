"""Renders characters from fonts of pip-installed packages, as many images as MNIST has.

The fonts of the test part are of other families than those of the training part. Each image has its own face, stroke
width, affine distortion, blur, brightness and noise.
"""

from __future__ import annotations

import hashlib
import json
import math
import string
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vitcnn.errors import UserError
from vitcnn.spec import Data, InputShape, Progress, Task
from vitcnn.tasks.cache import cached
from vitcnn.tasks.drawing import Draw, drawn

if TYPE_CHECKING:
    from torch import Generator, Tensor

Fonts = Mapping[str, tuple[str, ...]]
"""Font files, by the package that holds one family of them."""

VERSION = 1
"""Raised whenever the same seed gives other images than before."""

PX = 28
NUM_TRAIN, NUM_TEST = 60_000, 10_000

MANROPE_STYLES = ("ExtraLight", "Light", "Regular", "Bold", "ExtraBold")
SOURCE_STYLES = ("Light", "Regular", "Black", "It", "BoldIt")
TRAIN_FONTS: Fonts = {
    "font_manrope": tuple(f"Manrope-{style}.ttf" for style in MANROPE_STYLES),
    "font_source_sans_pro": tuple(f"SourceSansPro-{style}.ttf" for style in SOURCE_STYLES),
    "font_source_serif_pro": tuple(f"SourceSerifPro-{style}.ttf" for style in SOURCE_STYLES),
}
TEST_FONTS: Fonts = {
    "font_caladea": tuple(f"Caladea-{style}.ttf" for style in ("Regular", "Bold", "Italic", "BoldItalic")),
    "font_hanken_grotesk": tuple(f"HankenGrotesk-{style}.otf" for style in ("Light", "Medium", "Bold", "Italic")),
}

RENDER_PX = 2 * PX
FONT_PX = 46
STROKES_PX = (0, 1, 2)
"""How far an outline is moved outwards, in pixels of `RENDER_PX`."""

MAX_DEGREES = 15
MAX_SHEAR = 0.2
MAX_SCALE = 0.2
MAX_SHIFT_PX = 2.25
MIN_BRIGHTNESS = 0.4
MAX_NOISE = 0.15
"""Each image draws evenly from +- these, scale from 1 +- `MAX_SCALE`, brightness and noise from 0..1."""


def load_glyphs(name: str, characters: str, data_root: Path, progress: Progress) -> Data:
    """Return the images of `characters`, white on black: made once, then kept below `data_root`."""
    settings = {"version": VERSION, "characters": characters, "counts": (NUM_TRAIN, NUM_TEST), "seed": 0}
    digest = hashlib.sha256(json.dumps(settings).encode())
    for path in (*font_files(TRAIN_FONTS), *font_files(TEST_FONTS)):
        digest.update(path.read_bytes())
    make = partial(make_glyphs, characters, num_train=NUM_TRAIN, num_test=NUM_TEST, seed=0, progress=progress)
    return cached(data_root / "made" / f"{name}-{digest.hexdigest()[:12]}.npz", make)


def make_glyphs(characters: str, *, num_train: int, num_test: int, seed: int, progress: Progress) -> Data:
    """Return images of `characters`, any number: classes balanced, order shuffled; same seed, same images.

    A label is an index into `characters`. UserError where a font is not installed.
    """
    return drawn(
        _glyphs_of(characters, TRAIN_FONTS),
        _glyphs_of(characters, TEST_FONTS),
        shape=_shape(characters),
        num_train=num_train,
        num_test=num_test,
        seed=seed,
        progress=progress,
        text="images of glyphs made",
    )


def font_files(fonts: Fonts) -> list[Path]:
    """Return where the files of `fonts` lie; UserError where one is missing."""
    return [_font_file(package, name) for package, names in fonts.items() for name in names]


def _font_file(package: str, name: str) -> Path:
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0], "files", name) if folders else Path(name)
    if not path.is_file():
        do = f"pip install {package.replace('_', '-')}"
        raise UserError(field="font", value=f"{package}/{name}", allowed="font files of installed packages", do=do)
    return path


def render(characters: str, fonts: Fonts) -> np.ndarray:
    """Return every character in every style, undistorted: uint8 (styles, characters, RENDER_PX, RENDER_PX).

    A style is a font file with a stroke width. The middle of what is drawn lies in the middle of the image.
    """
    from PIL import Image, ImageDraw, ImageFont

    styles = []
    for path, stroke_px in product(font_files(fonts), STROKES_PX):
        font = ImageFont.truetype(path, FONT_PX)
        drawn = []
        for character in characters:
            left, top, right, bottom = font.getbbox(character, stroke_width=stroke_px)
            corner = ((RENDER_PX - left - right) / 2, (RENDER_PX - top - bottom) / 2)
            image = Image.new("L", (RENDER_PX, RENDER_PX))
            ImageDraw.Draw(image).text(corner, character, fill=255, font=font, stroke_width=stroke_px)
            drawn.append(np.asarray(image))
        styles.append(drawn)
    return np.array(styles)


def _glyphs_of(characters: str, fonts: Fonts) -> Draw:
    """Return what draws `characters`, each image in a style of its own."""
    import torch

    renders = torch.from_numpy(render(characters, fonts))

    def draw(labels: Tensor, generator: Generator) -> Tensor:
        styles = torch.randint(len(renders), labels.shape, generator=generator)
        return _photographed(_distorted(renders[styles, labels, None], generator), generator)

    return draw


def _shape(characters: str) -> InputShape:
    return InputShape(px=PX, channels=1, num_classes=len(characters))


def _distorted(renders: Tensor, generator: Generator) -> Tensor:
    """Return uint8 `renders` rotated, sheared, scaled and shifted, each by its own draw: 0..1 (batch, 1, PX, PX)."""
    import torch
    from torch.nn import functional as F

    draws = torch.rand((6, len(renders)), generator=generator) * 2 - 1
    angle, shear = draws[0] * math.radians(MAX_DEGREES), draws[1] * MAX_SHEAR
    width, height = 1 + draws[2:4] * MAX_SCALE
    shift_x, shift_y = draws[4:] * (2 * MAX_SHIFT_PX / PX)
    cos, sin = torch.cos(angle), torch.sin(angle)
    row_x = torch.stack((cos / width, (shear * cos - sin) / width, shift_x), dim=1)
    row_y = torch.stack((sin / height, (shear * sin + cos) / height, shift_y), dim=1)
    grid = F.affine_grid(torch.stack((row_x, row_y), dim=1), [len(renders), 1, PX, PX], align_corners=False)
    return F.grid_sample(renders / 255, grid, align_corners=False)


def _photographed(images: Tensor, generator: Generator) -> Tensor:
    """Return `images`, 0..1, blurred, dimmed and with noise, each by its own draw: uint8."""
    import torch
    from torch.nn import functional as F

    blur, brightness, noise = torch.rand((3, len(images), 1, 1, 1), generator=generator)
    blurred = torch.lerp(images, F.avg_pool2d(images, 3, stride=1, padding=1), blur)
    lit = blurred * (MIN_BRIGHTNESS + (1 - MIN_BRIGHTNESS) * brightness)
    noisy = lit + torch.randn(images.shape, generator=generator) * (noise * MAX_NOISE)
    return (noisy.clamp(0, 1) * 255).round().to(torch.uint8)


def _task(name: str, characters: str) -> Task:
    return Task(
        name=name,
        shape=_shape(characters),
        classes=tuple(characters),
        loader=partial(load_glyphs, name, characters),
        recipes="glyphs",
        target_accuracy=0.95,
        source="made here, from the fonts of https://github.com/pimoroni/fonts-python",
    )


GLYPHS = _task("glyphs", string.digits)
"""The ten digits. Logistic regression on the pixels has 76 % of the test part, lenet 97.5 % after four epochs."""

GLYPHS62 = _task("glyphs62", string.digits + string.ascii_uppercase + string.ascii_lowercase)
"""Digits, capital and small letters. Some are told apart by size alone, or not at all (O and 0): no model has 100 %."""
