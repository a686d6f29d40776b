"""Reads the inputs of `vitcnn tile` one after the other, and writes what a model says of them beside each other."""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from vitcnn.commands.tile.drawing import drawn
from vitcnn.commands.tile.known import Known
from vitcnn.commands.tile.look import Look, Seen, in_colours_of
from vitcnn.commands.tile.names import number_of
from vitcnn.commands.tile.results import Results
from vitcnn.device import Device
from vitcnn.folders import write_whole
from vitcnn.inference import Tiler
from vitcnn.inference.tiling import Timings
from vitcnn.media.image_file import read_image
from vitcnn.media.overlay import palette
from vitcnn.media.written import interrupts_held, naming
from vitcnn.progress import ProgressBar

WHOLE = "whole"
PACKAGES = ("vitcnn", "torch", "timm")
QUICK = 1
"""Of PNG's levels of compression: higher ones take several times as long for little less."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """What came of one input. `why` says why it ended early, or nothing."""

    name: str
    width: int
    height: int
    num_frames: int
    num_tiles: int
    answer: str
    seconds: Mapping[str, float]
    why: str = ""
    is_interrupted: bool = False


@dataclass(kw_only=True)
class Work:
    """What all inputs share: the model, how it is run, and where the results go."""

    options: argparse.Namespace
    device: Device
    known: Known
    progress: ProgressBar = field(default_factory=ProgressBar)
    _place: tuple[int, int, str] = (0, 1, "")
    _is_told: bool = False

    def __post_init__(self) -> None:
        asked = self.options.heat_class
        self.heat_class = None if asked is None else number_of(asked, self.known.names)

    @property
    def out(self) -> Path:
        """The folder of the results."""
        out: Path = self.options.out
        return out

    def tell_progress(self, done: int, total: int, text: str) -> None:
        """Draw the bar: so many inputs, or frames of a video, are done."""
        self._place, self._is_told = (done, total, text), done < total
        self.progress(done, total, text)

    def tell_tiles(self, done: int, of: int) -> None:
        """Draw the bar: of the input or frame that is worked on, so many tiles are done."""
        before, total, text = self._place
        if done < of:  # the last tile is not the end: the overlay is drawn and written
            self.progress(before * of + done, total * of, f"{text}, {done:,} of {of:,} tiles")

    def end_progress(self) -> None:
        """Take the bar away."""
        if self._is_told:
            self.tell_progress(1, 1, "")

    def look(self, timings: Timings) -> Look:
        """Return what runs the model on frames; `timings` are charged with it."""
        options = self.options
        tiler = Tiler(
            model=self.known.model,
            tile_px=options.tile,
            overlap=options.overlap,
            batch=self.known.batch,
            layout=self.known.layout,
            timings=timings,
        )
        return Look(
            self.known,
            tiler,
            device=self.device,
            how=options.frame_by,
            blend=options.blend,
            place=self.out,
            timings=timings,
            told=self.tell_tiles,
        )

    def overlay(self, frame: np.ndarray, seen: Seen) -> np.ndarray:
        """Return the picture of what was seen in a frame."""
        how = self.options.output
        return drawn(frame, seen, self.known.names, output=how, heat_class=self.heat_class)

    def results(self, path: Path) -> Results:
        """Return what writes the JSON of an input."""
        return Results(self.named(path, ".json"), self.known.names)

    def head(self, path: Path, frame: np.ndarray, **more: Any) -> dict[str, Any]:
        """Return what the JSON of an input whose frames are such as this one begins with."""
        height, width = frame.shape[:2]
        options = self.options
        return {
            "made_by": f"vitcnn {version('vitcnn')}",
            "input": {"file": text_of(path), "width": width, "height": height, **more},
            "settings": {
                **self.known.settings,
                "num_classes": len(self.known.names),
                "tile_px": options.tile,
                "overlap": options.overlap,
                "batch": self.known.batch,
                "output": options.output,
                "blend": options.blend,
                "frame_by": options.frame_by,
                "device": self.device.key,
                "precision": options.precision,
                "versions": {name: version(name) for name in PACKAGES},
            },
        }

    def named(self, path: Path, ending: str) -> Path:
        """Return the name of a result of an input: `a.jpg` and `a.png` keep theirs apart."""
        return self.out / f"{path.name}{ending}"


def text_of(path: Path) -> str:
    """Return the name of a file as text that can be written anywhere."""
    return path.name.encode(errors="backslashreplace").decode()


def read_image_file(path: Path, work: Work) -> Written:
    """Read one image, and write its overlay and its results; UserError where it cannot be read."""
    start, timings = time.perf_counter(), Timings(work.device.timer)
    with timings("decode"):
        frame = read_image(path)
    with timings("copy"):
        pixels = torch.from_numpy(in_colours_of(frame, work.known.shape.channels))
        on_device = pixels.to(work.device.name).permute(2, 0, 1)
    seen = work.look(timings)(on_device)
    with interrupts_held(), work.results(path) as results:
        with timings("write"):
            make_folder(work.out)
            write_picture(work.named(path, ".overlay.png"), Image.fromarray(work.overlay(frame, seen)))
            if seen.class_map is not None:
                write_picture(work.named(path, ".classes.png"), indexed(seen.class_map.numbers))
            results.head |= work.head(path, frame, kind="image")
            results.add(seen)
        results.end |= {"status": WHOLE, "timings_s": rounded(timings.seconds)}
    return written(path, seen, 1, work, timings.seconds, start)


def written(
    path: Path,
    seen: Seen,
    num_frames: int,
    work: Work,
    seconds: Mapping[str, float],
    start: float,
    *,
    why: str = "",
    is_interrupted: bool = False,
) -> Written:
    """Return what came of an input; of a video, the answer is that of its last frame."""
    best = int(seen.of_frame.argmax())
    return Written(
        name=text_of(path),
        width=seen.grid.width,
        height=seen.grid.height,
        num_frames=num_frames,
        num_tiles=len(seen.grid.corners),
        answer=f"{work.known.names[best]} {seen.of_frame[best]:.2f}",
        seconds={**seconds, "all": time.perf_counter() - start},
        why=why,
        is_interrupted=is_interrupted,
    )


def rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    """Return seconds to the nearest tenth of a millisecond."""
    return {part: round(value, 4) for part, value in seconds.items()}


def indexed(numbers: np.ndarray) -> Image.Image:
    """Return a map of classes as a picture whose pixels are these numbers, shown in the colours of the overlay."""
    image = Image.fromarray(numbers)
    image.putpalette(palette().tobytes())
    return image


def write_picture(path: Path, image: Image.Image) -> None:
    """Write a picture whole or not at all; NotWritten names it."""
    content = io.BytesIO()
    image.save(content, "PNG", compress_level=QUICK)
    with naming(path):
        write_whole(path, content.getvalue())


def make_folder(out: Path) -> None:
    """Make the folder of the results; NotWritten where it cannot be."""
    with naming(out):
        out.mkdir(parents=True, exist_ok=True)
