"""Records why the clocks of a GPU were reduced while a case was timed, by the clocks-event reasons of NVML.

NVML also counts how long each reason lasted, but the numbers of those counters mean other things to other drivers
(251 to 253 in nvidia-ml-py 13.580, 269 to 271 in 13.615), so they are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from vitcnn.device.which import Device

REASONS = (
    "gpu_idle",
    "applications_clocks_setting",
    "sw_power_cap",
    "hw_slowdown",
    "sync_boost",
    "sw_thermal_slowdown",
    "hw_thermal_slowdown",
    "hw_power_brake_slowdown",
    "display_clock_setting",
)
"""The names of the bits of NVML's mask, from the lowest; a bit without a name here is called `bit_<number>`."""


@contextmanager
def watch_clocks(device: Device) -> Iterator[dict[str, Any]]:
    """Give a record's settings `clocks`, once the block is left: the reasons seen, sorted, or "unknown".

    NVML is asked just before and just after the block, so that nothing disturbs what is timed inside. `gpu_idle` says
    that the GPU waited for work at one of these moments. On a CPU the settings stay empty.
    """
    settings: dict[str, Any] = {}
    if not device.is_cuda:
        yield settings
        return
    before = _mask(device)
    yield settings
    after = _mask(device)
    settings["clocks"] = "unknown" if before is None or after is None else reason_names(before | after)


def reason_names(mask: int) -> list[str]:
    """Return the names of the reasons in NVML's mask, sorted."""
    bits = [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
    return sorted(REASONS[bit] if bit < len(REASONS) else f"bit_{bit}" for bit in bits)


def _mask(device: Device) -> int | None:
    """Return the reasons of this moment as NVML's mask, or None where it does not tell."""
    import pynvml

    try:
        return int(pynvml.nvmlDeviceGetCurrentClocksEventReasons(nvml_handle(device.name)))
    except (pynvml.NVMLError, AttributeError):  # AttributeError: the old distribution `pynvml` hides nvidia-ml-py
        return None


@cache
def nvml_handle(name: str) -> object:
    """Open NVML, which takes a while, and find torch's device in it, which counts without CUDA_VISIBLE_DEVICES."""
    import pynvml
    import torch

    pynvml.nvmlInit()
    return pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(name).uuid}")
