"""Fixes the numerics of torch, and describes what else a result depends on: software, machine and revision."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from vitcnn.device.which import Device, cpu_model, num_threads
from vitcnn.record import Environment
from vitcnn.working_tree import changes, git

T = TypeVar("T")


@contextmanager
def numerics(device: Device) -> Iterator[None]:
    """Fix what changes speed and rounding while a case runs, and restore it: threads, TF32 off, cuDNN's search on.

    TF32 is off by both of torch's ways to set it, of which the caller may have used either.
    Where nothing has imported torch there is nothing to fix.
    """
    if "torch" not in sys.modules:
        yield
        return
    import torch

    cudnn, threads = torch.backends.cudnn, torch.get_num_threads()
    search = cudnn.benchmark
    torch.set_num_threads(num_threads())
    cudnn.benchmark = True
    try:
        with _full_precision(), torch.cuda.device(device.name) if device.is_cuda else nullcontext():
            yield
    finally:
        torch.set_num_threads(threads)
        cudnn.benchmark = search


@contextmanager
def _full_precision() -> Iterator[None]:
    """Compute in FP32 what is in FP32: no TF32 and, on a CPU, no BF16.

    torch's older settings cannot be read while they contradict its newer ones, and some of its own functions read them.
    """
    import torch

    cudnn: Any = torch.backends.cudnn
    cpu: Any = torch.backends.mkldnn
    of_all: tuple[Any, ...] = (torch.backends, cudnn)
    of_one: tuple[Any, ...] = (torch.backends.cuda.matmul, cudnn.conv, cudnn.rnn, cpu.matmul, cpu.conv, cpu.rnn)
    newer = [(settings, settings.fp32_precision) for settings in (*of_all, *of_one)]
    products, convolutions = _if_readable(torch.get_float32_matmul_precision), _if_readable(lambda: cudnn.allow_tf32)
    for settings, _ in newer:
        settings.fp32_precision = "none" if settings in of_all else "ieee"
    torch.set_float32_matmul_precision("highest")
    cudnn.allow_tf32 = False
    try:
        yield
    finally:
        if products is not None:
            torch.set_float32_matmul_precision(products)
        if convolutions is not None:
            cudnn.allow_tf32 = convolutions
        for settings, precision in newer:  # what is of all comes first: it may overwrite what is of one
            settings.fp32_precision = precision


def _if_readable(setting: Callable[[], T]) -> T | None:
    try:
        return setting()
    except RuntimeError:
        return None


NUMERICS = {"tf32": False, "cudnn_benchmark": True}
"""What `numerics` fixes, as the environment records it."""


def environment(device: Device, root: Path) -> Environment:
    """Gather where this run is measured; `root` is the project whose git revision counts."""
    changed = git(root, "status", "--porcelain", "--untracked-files=no")
    versions = {name: _version(name) for name in ("vitcnn", "torch", "torchvision", "timm", "peft")}
    return Environment(
        device_key=device.key,
        device=device.kind,
        cpu=cpu_model(),
        num_threads=num_threads(),
        python=platform.python_version(),
        numerics=NUMERICS,
        git_commit=git(root, "rev-parse", "HEAD") or "",
        git_dirty=None if changed is None else bool(changed),
        git_changes=changes(root),
        **versions,
        **(_gpu(device) if device.is_cuda else {}),
    )


def _gpu(device: Device) -> dict[str, str]:
    import torch

    name, cuda = torch.cuda.get_device_name(device.name), torch.version.cuda or ""
    return {"gpu": name, "driver": _driver_version(), "cuda": cuda}


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _driver_version() -> str:
    import pynvml

    try:
        pynvml.nvmlInit()
        return str(pynvml.nvmlSystemGetDriverVersion())
    except pynvml.NVMLError:
        return ""
