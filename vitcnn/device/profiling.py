"""Starts torch's profiler, without the lines about itself that it writes to the error stream."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.profiler import profile


def quieten() -> None:
    """Keep torch's profiler from telling that it starts: it reads the level once, at its first start in a process."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")


def profiler(*, cuda: bool = False, memory: bool = False) -> profile:
    """Return a profiler that watches the GPU or, else, the CPU, and there also memory that is taken and given back."""
    quieten()
    from torch.profiler import ProfilerActivity, profile

    return profile(activities=[ProfilerActivity.CUDA if cuda else ProfilerActivity.CPU], profile_memory=memory)
