"""Fixes the numerics of torch, and describes what else a result depends on: software, machine and revision."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from vitcnn.device.which import Device, cpu_model, num_threads
from vitcnn.record import Environment
from vitcnn.working_tree import changes, git


@contextmanager
def numerics(device: Device) -> Iterator[None]:
    """Fix what changes speed and rounding while a case runs, and restore it: threads, TF32 off, cuDNN's search on.

    Where nothing has imported torch there is nothing to fix.
    """
    if "torch" not in sys.modules:
        yield
        return
    import torch

    cuda, cudnn, threads = torch.backends.cuda.matmul, torch.backends.cudnn, torch.get_num_threads()
    before = cuda.allow_tf32, cudnn.allow_tf32, cudnn.benchmark
    torch.set_num_threads(num_threads())
    cuda.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = False, False, True
    try:
        with torch.cuda.device(device.name) if device.is_cuda else nullcontext():
            yield
    finally:
        torch.set_num_threads(threads)
        cuda.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = before


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
