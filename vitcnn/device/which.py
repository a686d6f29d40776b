"""Chooses the device that is measured, and the key of its baselines.

Nothing here imports torch before it must: on a machine without an NVIDIA GPU, collecting the suite needs no torch.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from vitcnn.device.cgroup import cpu_quota
from vitcnn.device.clock import synchronized_perf_counter
from vitcnn.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Device:
    """One device to measure on. `name` is what torch calls it; `key` names its folder of baselines."""

    name: str
    key: str

    @property
    def kind(self) -> str:
        """`cpu` or `cuda`."""
        return self.name.partition(":")[0]

    @property
    def is_cuda(self) -> bool:
        """Whether kernels run asynchronously on an NVIDIA GPU."""
        return self.kind == "cuda"

    @property
    def default_preset(self) -> str:
        """The preset that suits the device."""
        return "standard" if self.is_cuda else "smoke"

    @property
    def timer(self) -> Callable[[], float]:
        """A clock, in seconds, that waits for the device before it reads."""
        return synchronized_perf_counter if self.is_cuda else time.perf_counter


def resolve(asked: str) -> Device:
    """Return the device that `asked` names: `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises UserError where it does not exist.
    """
    if asked == "auto":
        return _cuda_device(0) if _nvidia_gpu_visible() and _num_cuda_devices() else _cpu_device()
    if asked == "cpu":
        return _cpu_device()
    matched = re.fullmatch(r"cuda(?::(\d{1,4}))?", asked)
    if not matched:
        raise UserError(
            field="--device",
            value=asked,
            allowed="auto, cpu, cuda, cuda:N",
            do="Leave it out to use CUDA if there is a GPU, otherwise the CPU.",
        )
    index, count = int(matched[1] or 0), _num_cuda_devices()
    if index >= count:
        allowed = ", ".join(["auto", "cpu", *(f"cuda:{i}" for i in range(count))])
        seen = f"torch sees {count} CUDA device{'' if count == 1 else 's'} here"
        do = f"{seen[0].upper()}{seen[1:]}: check nvidia-smi, CUDA_VISIBLE_DEVICES and torch.version.cuda."
        raise UserError(field="--device", value=asked, allowed=allowed, do=do)
    return _cuda_device(index)


def _cpu_device() -> Device:
    return Device(name="cpu", key=f"cpu-{slug(cpu_model())}-{num_threads()}t")


def _cuda_device(index: int) -> Device:
    import torch

    return Device(name=f"cuda:{index}", key=slug(torch.cuda.get_device_name(index)))


def _num_cuda_devices() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _nvidia_gpu_visible() -> bool:
    """Whether the driver reports a GPU that this process may use; asks NVML, so as not to import torch."""
    import pynvml

    if os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() in ("", "-1", "NoDevFiles"):
        return False
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no NVIDIA driver
        return False
    try:
        return bool(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError:  # it answers, but not this: such as where a container hides the GPUs
        return False
    finally:
        pynvml.nvmlShutdown()


def slug(name: str) -> str:
    """Turn a device's name into a folder's name: `NVIDIA H200` -> `nvidia-h200`."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((R|TM)\)", "", name).lower()).strip("-")


def cpu_model() -> str:
    """Return the processor's model name, or its architecture where the system does not tell."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        matched = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(encoding="utf-8"), re.MULTILINE)
        if matched:
            return matched[1].strip()
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or platform.machine()
    return platform.processor() or platform.machine() or "unknown"


def num_threads() -> int:
    """Return the CPU threads a run uses."""
    return threads_and_reason()[0]


def threads_and_reason() -> tuple[int, str]:
    """Return the CPU threads a run uses, and what sets them: $OMP_NUM_THREADS, else the smallest limit.

    Limits are physical cores, affinity, and the control groups' quota. That is rounded down, to no less than one: a
    thread beyond it would be stopped until the next period.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked), "OMP_NUM_THREADS"
    logical = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else logical
    limits = [(usable, f"this process may run on {usable} of {logical} CPUs")]
    physical = psutil.cpu_count(logical=False)
    if physical:
        limits.append((physical, f"the machine has {physical} physical cores"))
    quota = cpu_quota()
    if quota is not None:
        limits.append((max(1, int(quota)), f"a control group allows the time of {quota:g} CPUs"))
    return min(limits, key=lambda limit: limit[0])
