"""Whether other programs use the processor now: threads that wait for each other are many times slower then."""

from __future__ import annotations

import os

import psutil

from vitcnn.device.which import Device, num_threads
from vitcnn.quantity import counted

LOOK_S = 0.25
"""How long the processor is observed, by a process that does nothing meanwhile."""

MISSING_CORES = 0.5
"""From so much of a core that threads would have to share with other programs, something is said."""


def cores_busy_elsewhere() -> float:
    """Return how many logical cores other processes keep busy, while this one waits for `LOOK_S`."""
    return psutil.cpu_percent(LOOK_S) / 100 * (os.cpu_count() or 1)


def crowding(device: Device) -> str:
    """Return a sentence where several threads will have to share their cores with other programs, else nothing.

    On a GPU nothing is said, and neither of one thread, which loses only the time that others take.
    """
    threads, cores = num_threads(), os.cpu_count() or 1
    if device.is_cuda or threads == 1:
        return ""
    busy = cores_busy_elsewhere()
    if busy + threads - cores < MISSING_CORES:
        return ""
    slow = f"With {threads} threads, some cases can take many times longer"
    do = "Wait until the machine is idle, or set OMP_NUM_THREADS=1."
    return f"Other programs keep {busy:.1f} of {counted(cores, 'CPU core')} busy. {slow}. {do}"
