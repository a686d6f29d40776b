"""Checks what this machine has, and whether all cases of a preset can run on it."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pynvml
from tabulate import tabulate

from vitcnn.architectures import architecture, architectures, hub
from vitcnn.bench.obstacles import compiler, needs_weights, obstacle
from vitcnn.commands.output import num_columns
from vitcnn.device import Device, free_bytes_of_host
from vitcnn.device.crowding import crowding
from vitcnn.device.environment import environment
from vitcnn.device.meter import Unmetered, meter_of
from vitcnn.device.which import threads_and_reason
from vitcnn.durations import estimate, known_durations
from vitcnn.errors import UserError
from vitcnn.folders import nearest_existing, require_writable
from vitcnn.quantity import counted
from vitcnn.recipes import recipe
from vitcnn.spec import Case, RemoteFile, TrainedCase
from vitcnn.tasks import Tasks
from vitcnn.tasks.download import missing_files

GB = 1e9
BEFORE_FINDINGS, LEAST_WIDTH = 26, 40
"""Columns that stand before the text of a finding, and the fewest that it has."""

LITTLE_DISK_GB = 2.0
"""Below this data sets or Inductor's cache may not fit."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the diagnosis; if there is a problem, `do` says how to solve it."""

    about: str
    text: str
    do: str = ""


def diagnose(device: Device, tasks: Tasks, cases: Sequence[Case]) -> tuple[str, bool]:
    """Return what was found, as text, and whether all `cases` can run on `device`."""
    findings = [
        *_software(device),
        *_load(device),
        _graphics(device),
        _compiling(device, cases),
        _memory(),
        _energy(device),
        *_disk(tasks.data_root),
        _data(tasks, cases),
        _weights(cases),
    ]
    rows = [(finding.about, "problem" if finding.do else "ok", _with_way_out(finding)) for finding in findings]
    obstacles = Counter(reason for case in cases if (reason := obstacle(case, device, tasks)))
    blocked = obstacles.total()
    verdict = f"{len(cases) - blocked} of {len(cases)} cases of the preset can run on {device.key}."
    time = _time(device, [case for case in cases if not obstacle(case, device, tasks)])
    skipped = [f"  {count} skipped: {reason}" for reason, count in obstacles.items()]
    columns = num_columns()
    table = tabulate(rows, tablefmt="plain", maxcolwidths=[None, None, max(LEAST_WIDTH, columns - BEFORE_FINDINGS)])
    return "\n".join([table, "", verdict, *skipped, *(textwrap.fill(line, columns) for line in time)]), not blocked


def _time(device: Device, cases: Sequence[Case]) -> list[str]:
    """Say how long the cases take that can run, by what was measured in this folder before, or elsewhere."""
    known = known_durations(Path.cwd(), device_key=device.key, kind=device.kind)
    return [text] if (text := estimate(map(str, cases), known).text) else []


def _with_way_out(finding: Finding) -> str:
    return f"{finding.text}. {finding.do}" if finding.do else finding.text


def _software(device: Device) -> list[Finding]:
    found, (_, reason) = environment(device, Path.cwd()), threads_and_reason()
    threads = counted(found.num_threads, "thread")
    versions = ", ".join(
        f"{name} {getattr(found, name)}" for name in ("vitcnn", "torch", "torchvision", "timm", "peft")
    )
    return [
        Finding(about="software", text=f"Python {found.python}, {versions}"),
        Finding(about="processor", text=f"{found.cpu}, {threads} ({reason}), {platform.system()}"),
    ]


def _load(device: Device) -> list[Finding]:
    what, _, do = crowding(device).partition(". ")
    return [Finding(about="CPU load", text=what, do=do)] if what else []


def _graphics(device: Device) -> Finding:
    """Look at the driver by NVML, at CUDA by torch: both must see the GPU."""
    import torch

    cuda = f"torch is built for CUDA {torch.version.cuda}" if torch.version.cuda else "torch is built without CUDA"
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return Finding(about="GPU", text=f"no NVIDIA driver ({error}); {cuda}; measuring on {device.name}")
    try:
        names = [_graphics_card(index) for index in range(pynvml.nvmlDeviceGetCount())]
        text = f"{', '.join(names)}; driver {pynvml.nvmlSystemGetDriverVersion()}; {cuda}"
    except pynvml.NVMLError as error:
        return Finding(about="GPU", text=f"NVML fails: {error}; {cuda}", do="Compare with what nvidia-smi says.")
    finally:
        pynvml.nvmlShutdown()
    if names and not torch.cuda.is_available():
        do = "torch does not see the GPU: install torch's CUDA build, update the driver, check CUDA_VISIBLE_DEVICES."
        return Finding(about="GPU", text=text, do=do)
    return Finding(about="GPU", text=text)


def _graphics_card(index: int) -> str:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    return f"{pynvml.nvmlDeviceGetName(handle)} ({pynvml.nvmlDeviceGetMemoryInfo(handle).total / GB:.0f} GB)"


def _compiling(device: Device, cases: Sequence[Case]) -> Finding:
    needed = any(case.mode == "compiled" for case in cases)
    if device.is_cuda and importlib.util.find_spec("triton") is None:
        do = "Run `pip install triton`." if needed else ""
        return Finding(about="torch.compile", text="Triton is missing", do=do)
    found = compiler()
    if found:
        return Finding(about="torch.compile", text=f"C++ compiler {found}")
    do = "Install g++ or clang++, or set $CXX." if needed else ""
    return Finding(about="torch.compile", text="no C++ compiler", do=do)


def _memory() -> Finding:
    free, total = free_bytes_of_host(), psutil.virtual_memory().total
    return Finding(about="memory", text=f"{free / GB:.1f} of {total / GB:.1f} GB available")


def _energy(device: Device) -> Finding:
    """Say what --energy would measure here, or why it would not."""
    try:
        return Finding(about="energy", text=f"--energy measures that {meter_of(device).scope}")
    except Unmetered as unmetered:
        return Finding(about="energy", text=f"unknown to --energy: {unmetered}")


def _disk(data_root: Path) -> list[Finding]:
    places = {"data root": data_root, "this folder": Path.cwd()}
    return [_free(about, path) for about, path in places.items()]


def _free(about: str, path: Path) -> Finding:
    free_gb = shutil.disk_usage(nearest_existing(path)).free / GB
    try:
        require_writable(about, path)
    except UserError as error:
        text = f"{path} cannot be written to ({error.do.rstrip('.')})"
        return Finding(about=about, text=text, do="Name another folder.")
    do = "Free some space, or name another folder." if free_gb < LITTLE_DISK_GB else ""
    return Finding(about=about, text=f"{path}, {free_gb:.1f} GB free", do=do)


def _data(tasks: Tasks, cases: Sequence[Case]) -> Finding:
    """Say which downloads are here; a missing one is a problem if a case needs it."""
    downloaded = [task for task in map(tasks.task, tasks.names()) if task.files]
    missing = {task.name: missing_files(task, tasks.data_root) for task in downloaded}
    here = [name for name, files in missing.items() if not files]
    not_here = [name for name, files in missing.items() if files]
    used = {
        name for case in cases if isinstance(case, TrainedCase) for name in (case.task, recipe(case.recipe).weights)
    }
    needed = _that_bring_all({name: missing[name] for name in not_here if name in used})
    text = f"here: {', '.join(here) or 'none'}; not here: {', '.join(not_here) or 'none'}"
    do = f"Run `vitcnn fetch {' '.join(needed)}` where there is a network." if needed else ""
    return Finding(about="downloaded data", text=text, do=do)


def _that_bring_all(missing: Mapping[str, Sequence[RemoteFile]]) -> list[str]:
    """Return the tasks of which the files are those of all: several tasks are made from one download."""
    names: list[str] = []
    brought: set[str] = set()
    for name, files in missing.items():
        paths = {file.path for file in files}
        names += [] if paths <= brought else [name]
        brought |= paths
    return names


def _weights(cases: Sequence[Case]) -> Finding:
    """Say which ImageNet weights are in the hub's cache; missing ones are a problem if a case needs them."""
    named = [entry for entry in architectures().values() if entry.hub]
    here = [entry.name for entry in named if hub.are_here(entry)]
    wanted = {case.architecture: architecture(case.architecture) for case in cases if needs_weights(case)}
    needed = [name for name, entry in wanted.items() if entry.hub and not hub.are_here(entry)]
    text = f"here: {', '.join(here) or 'none'}, of {len(named)}"
    do = f"Run `vitcnn fetch --weights {' '.join(needed)}` where there is a network." if needed else ""
    return Finding(about="hub weights", text=text, do=do)
