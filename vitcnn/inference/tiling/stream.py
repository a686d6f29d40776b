"""Gets the next frames ready while one is worked on: decoded in a thread, and copied on a stream of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from vitcnn.device import Device
from vitcnn.inference.tiling.timings import Timings

AHEAD = 2
"""Frames that are decoded, and on CUDA copied, before they are asked for."""


def prefetched(frames: Iterable[np.ndarray], device: Device, timings: Timings | None = None) -> Iterator[Tensor]:
    """Yield frames, uint8 (height, width, channels) in host memory, as (channels, height, width) on the device.

    The next two are decoded meanwhile, in a thread; on CUDA they are also copied, through pinned memory, on a stream of
    their own, which the current stream waits for. What the iterable raises is raised here, in its place.
    """
    copies = _Copies(device)
    timed = timings or Timings()

    def get(remaining: Iterator[np.ndarray]) -> tuple[Tensor, torch.cuda.Event | None] | None:
        with timed("decode"):
            frame = next(remaining, None)
        if frame is None:
            return None
        with timed("copy"):
            return copies.start(frame)

    remaining = iter(frames)
    with ThreadPoolExecutor(1) as pool:
        waiting: list[Future[tuple[Tensor, torch.cuda.Event | None] | None]] = []
        waiting = [pool.submit(get, remaining) for _ in range(AHEAD)]
        while (got := waiting.pop(0).result()) is not None:
            waiting.append(pool.submit(get, remaining))
            frame, copied = got
            if copied is not None:
                stream = torch.cuda.current_stream(device.name)
                stream.wait_event(copied)
                frame.record_stream(stream)
            yield frame.permute(2, 0, 1)


class _Copies:
    """Copies of frames to a device: through pinned memory on a stream of their own; on a CPU there is none to make."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device.name) if device.is_cuda else None
        self._pinned: list[tuple[Tensor, torch.cuda.Event]] = []

    def start(self, frame: np.ndarray) -> tuple[Tensor, torch.cuda.Event | None]:
        """Return the frame on the device, and the event after which it is there."""
        if self._stream is None:
            return torch.from_numpy(frame), None
        with torch.cuda.stream(self._stream):
            pinned = self._free(frame)
            pinned.copy_(torch.from_numpy(frame))
            there = pinned.to(self._device.name, non_blocking=True)
            event = torch.cuda.Event()
            event.record(self._stream)
        self._pinned.append((pinned, event))
        return there, event

    def _free(self, frame: np.ndarray) -> Tensor:
        """Return pinned memory of the frame's shape that no copy reads any more."""
        if len(self._pinned) > AHEAD:
            pinned, event = self._pinned.pop(0)
            event.synchronize()
            if pinned.shape == frame.shape:
                return pinned
        return torch.empty(frame.shape, dtype=torch.uint8, pin_memory=True)
