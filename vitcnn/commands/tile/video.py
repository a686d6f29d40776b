"""Reads a video for `vitcnn tile`, and writes what a model says of it frame by frame."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from vitcnn.commands.tile.look import in_colours_of
from vitcnn.commands.tile.work import WHOLE, Work, Written, make_folder, rounded, text_of, written
from vitcnn.errors import UserError
from vitcnn.inference.tiling import Timings, prefetched
from vitcnn.media.video_file import VideoFile, VideoWriter
from vitcnn.media.written import interrupts_held


def read_video_file(path: Path, work: Work) -> Written:
    """Read a video, and write an overlay of it and its results, frame by frame.

    What was done until Ctrl-C, or until the video cannot be read any further, is kept. UserError where no frame can be.
    """
    start, timings, ahead = time.perf_counter(), Timings(work.device.timer), Timings()
    video, look, why, is_interrupted = VideoFile(path), work.look(timings), "", False
    host: deque[np.ndarray] = deque()
    name, seen = text_of(path), None
    with VideoWriter(work.named(path, ".overlay.mp4"), video.rate) as pictures, work.results(path) as results:
        try:
            for pixels in prefetched(kept(video, host, work.known.shape.channels), work.device, ahead):
                frame, seen = host.popleft(), look(pixels)
                with interrupts_held(), timings("write"):
                    if not results.num_frames:
                        make_folder(work.out)
                        results.head |= work.head(path, frame, kind="video", frames_per_second=float(video.rate))
                    pictures.add(work.overlay(frame, seen))
                    results.add(seen, time_s=round(results.num_frames / float(video.rate), 3))
                total = max(video.num_frames, results.num_frames + 1)
                work.tell_progress(results.num_frames, total, f"{name}: frame {results.num_frames:,}")
        except KeyboardInterrupt:
            why, is_interrupted = f"{name} was interrupted after {results.num_frames:,} frames", True
        except UserError as error:
            why = str(error)
            if not results.num_frames:
                raise
        finally:
            video.close()
        seconds = {part: timings.seconds[part] + ahead.seconds[part] for part in timings.seconds}
        results.end |= {"status": why or WHOLE, "timings_s": rounded(seconds)}
    if seen is None or not results.num_frames:
        raise KeyboardInterrupt
    return written(path, seen, results.num_frames, work, seconds, start, why=why, is_interrupted=is_interrupted)


def kept(frames: Iterable[np.ndarray], host: deque[np.ndarray], channels: int) -> Iterator[np.ndarray]:
    """Yield frames as a model takes them, and keep each as it is until it has been drawn on."""
    for frame in frames:
        host.append(frame)
        yield in_colours_of(frame, channels)
