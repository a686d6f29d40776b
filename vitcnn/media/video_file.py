"""Reads a video frame by frame with PyAV, and writes one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import numpy as np

from vitcnn.errors import NotMeasurable, NotWritten, UserError
from vitcnn.folders import short
from vitcnn.media.written import interrupts_held, naming, partial_of

USUAL_RATE = 25
LONG_ENOUGH_S = 0.25
"""A video that ends so much earlier than it says is cut off."""

CODECS = ("libx264", "h264", "mpeg4")
"""What the overlay is encoded with: the first that this build of PyAV has."""


def pyav() -> ModuleType:
    """Return PyAV; NotMeasurable, which says how to install it, where it is not here."""
    try:
        import av
    except ImportError as error:
        say = 'videos need PyAV, which is not installed: pip install "vitcnn[video]"'
        raise NotMeasurable(f"{say} ({error})") from error
    return av


class VideoFile:
    """The first video stream of a file, opened once. Iterating reads its frames, uint8 RGB (height, width, 3).

    `num_frames` is what the file says or what its length gives, and 0 where nobody knows; `rate` is in frames a second.
    UserError where the file is no video or cut off: while it is opened, or behind the last frame that could be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        av = pyav()
        try:
            self._container: Any = av.open(str(path))
            if not self._container.streams.video:
                raise self.unreadable("it holds no video")
            self._stream: Any = self._container.streams.video[0]
        except (av.FFmpegError, OSError, ValueError) as error:
            if isinstance(error, UserError):
                raise
            raise self.unreadable(reason_of(error)) from error
        self._stream.thread_type = "AUTO"
        self.rate = Fraction(self._stream.average_rate or USUAL_RATE).limit_denominator(1001)
        self.num_frames = int(self._stream.frames or round(float(self.rate) * (self._length_s() or 0)))

    def __iter__(self) -> Iterator[np.ndarray]:
        av, end_s, size, num_read = pyav(), 0.0, None, 0
        try:
            for frame in self._container.decode(self._stream):
                image = upright(frame)
                if size not in (None, image.shape):
                    raise self.unreadable(f"its frames change from {size} to {image.shape}")
                size = image.shape
                end_s = _end_s(frame, 1 / float(self.rate))
                num_read += 1
                yield image
        except av.FFmpegError as error:
            raise self.unreadable(f"at {end_s:.1f} s: {reason_of(error)}") from error
        if size is None:
            raise self.unreadable("it holds no frame")
        if num_read < self._stated_frames() - 1:
            raise self.unreadable(f"it is cut off: {self._stated_frames()} frames by its header, {num_read} in it")
        length_s = self._length_s()
        if length_s is not None and end_s < length_s - LONG_ENOUGH_S:
            raise self.unreadable(f"it is cut off: {length_s:.1f} s long by its header, and it ends at {end_s:.1f} s")

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def unreadable(self, reason: str) -> UserError:
        """Return the error that the file cannot be read, or not to its end."""
        do = "Check the file, or make it again."
        return UserError(field="input", value=short(self.path), allowed=f"a whole video ({reason})", do=do)

    def _stated_frames(self) -> int:
        """Return how many frames a file says there are to show; 0 where it says none, or may hide some of them."""
        may_hide = "mp4" in self._container.format.name  # by an edit list, as telephones cut videos
        return 0 if may_hide else int(self._stream.frames)

    def _length_s(self) -> float | None:
        """Return where the last frame ends, as the file says; None where it does not."""
        stream, start_s = self._stream, float((self._stream.start_time or 0) * (self._stream.time_base or 0))
        if stream.duration:
            return start_s + float(stream.duration * stream.time_base)
        told = stream.metadata.get("DURATION", "")  # Matroska: 00:00:01.200000000
        if told.count(":") == 2:
            hours, minutes, seconds = told.split(":")
            return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
        alone = len(self._container.streams) == 1
        return self._container.duration / 1e6 if self._container.duration and alone else None


def upright(frame: Any) -> np.ndarray:
    """Return a frame of PyAV as RGB, turned as the file says that it is to be shown."""
    image: np.ndarray = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _end_s(frame: Any, usual_s: float) -> float:
    """Return when the frame after this one would be shown."""
    lasts_s = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else usual_s
    return (frame.time or 0.0) + lasts_s


def reason_of(error: Exception) -> str:
    """Return what an error of FFmpeg says, without the path."""
    return str(getattr(error, "strerror", None) or error).rstrip(".") or type(error).__name__


class VideoWriter:
    """Writes frames, uint8 RGB (height, width, 3), all of one size with even sides, to an MP4 file.

    It is a context manager. The file appears when it closes, whole, with the frames until then: after Ctrl-C too. Where
    the disk is full it goes, and NotWritten names it; so it does where no frame was written.
    """

    def __init__(self, path: Path, rate: Fraction) -> None:
        self.path, self.rate = path, rate.limit_denominator(1001)
        self.num_frames = 0
        self._partial = partial_of(path)
        self._file: Any = None
        self._container: Any = None
        self._stream: Any = None

    def __enter__(self) -> VideoWriter:
        return self

    def add(self, frame: np.ndarray) -> None:
        """Write one more frame."""
        av = pyav()
        try:
            with naming(self.path):
                if self._container is None:
                    self._open(frame)
                self._mux(self._stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        except av.FFmpegError as error:  # a frame that the encoder does not take, such as one that is too large
            self._discard()
            raise NotWritten(f"{short(self.path)} cannot be encoded: {reason_of(error)}. It is left out.") from error
        except BaseException:
            self._discard()
            raise
        self.num_frames += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._container is None:
            return
        with interrupts_held():
            try:
                if not isinstance(error, NotWritten):
                    with naming(self.path):
                        self._mux(self._stream.encode(None))
                        self._container.close()
                        self._file.close()
                        self._partial.replace(self.path)
            finally:
                self._discard()

    def _open(self, frame: np.ndarray) -> None:
        av = pyav()
        self._file = self._partial.open("wb")
        self._container = av.open(self._file, "w", format="mp4")
        self._stream = self._container.add_stream(_codec(av), rate=self.rate)
        self._stream.height, self._stream.width = frame.shape[:2]
        self._stream.pix_fmt = "yuv420p"

    def _mux(self, packets: Any) -> None:
        self._container.mux(packets)

    def _discard(self) -> None:
        """Leave nothing half-written behind; what has its name already stays."""
        container, self._container = self._container, None
        for thing in filter(None, (container, self._file)):
            with suppress(Exception):  # the disk is full: what could not be written is not wanted any more
                thing.close()
        self._partial.unlink(missing_ok=True)


def _codec(av: ModuleType) -> str:
    """Return the first encoder that is here."""
    for name in CODECS:
        try:
            av.Codec(name, "w")
        except (av.FFmpegError, ValueError):
            continue
        return name
    raise NotMeasurable(f"this PyAV encodes none of {', '.join(CODECS)}: install one of PyPI's, which does")
