"""Measures how long a GPU is busy in a run: the time of its kernels, without the gaps in which it waits for work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vitcnn.device.profiling import profiler
from vitcnn.spans import covered

if TYPE_CHECKING:
    from vitcnn.device.which import Device

RUNS = 3
MICROSECOND_S = 1e-6


def busy_time_s(device: Device, run: Callable[[], object]) -> float | None:
    """Return the seconds of one warm `run` in which a kernel, copy or fill runs on the GPU, the mean of three runs.

    torch's profiler watches them, so this is a pass of its own. None where CUPTI shows no kernel: it may be denied.
    """
    import torch
    from torch.autograd import DeviceType  # type: ignore[attr-defined]  # torch exports it without saying so

    torch.cuda.synchronize(device.name)
    with profiler(cuda=True) as watched:
        for _ in range(RUNS):
            run()
        torch.cuda.synchronize(device.name)
    spans = [
        (event.time_range.start, event.time_range.end)
        for event in watched.events()
        if event.device_type is DeviceType.CUDA and not event.is_user_annotation
    ]
    return covered(spans) * MICROSECOND_S / RUNS if spans else None
