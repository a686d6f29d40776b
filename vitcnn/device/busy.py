"""Measures how much processor time a case got while it was timed: a case that got too little cannot be judged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vitcnn.device.which import Device

LEAST_S = 0.1
"""Of less the system's accounting of processor time is too coarse to say anything."""


@contextmanager
def watch_processor(device: Device) -> Iterator[dict[str, Any]]:
    """Give a record's settings `cpus`, once the block is left: processor time by time, so 1.9 of two threads' 2.

    The settings stay empty for a GPU, whose host may wait, and for a block too short to tell.
    """
    settings: dict[str, Any] = {}
    start, used = time.perf_counter(), time.process_time()
    yield settings
    seconds = time.perf_counter() - start
    if not device.is_cuda and seconds >= LEAST_S:
        settings["cpus"] = round((time.process_time() - used) / seconds, 3)
