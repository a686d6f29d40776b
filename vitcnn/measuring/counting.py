"""Counts what a run asks of torch and of the device; the counts do not depend on the load of the machine.

The names of the counts are those of the metrics in `vitcnn/metrics/counts.py`, which say what each of them is.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from vitcnn.device import Device
from vitcnn.device.operators import OperatorCounter
from vitcnn.device.profiling import profiler
from vitcnn.measuring.traffic import TrafficCounter

Counts = dict[str, int]

DRAWS_SEED = 0
"""Of what a run draws from torch's global generators while it is counted."""


def counts_of(run: Callable[[], object], device: Device, *, on_device: bool = True) -> Counts:
    """Run `run`, which is warm, once more and return what it asked for, by the names of metrics.

    `on_device` adds what only a GPU tells, in two runs more. In the first run torch.compile steps aside: operators and,
    on a CPU, bytes are those of the code as it is written.
    """
    with fixed_draws(device), OperatorCounter() as counter, TrafficCounter() as traffic:
        run()
    more = counts_on_gpu(run, device) if device.is_cuda and on_device else {}
    return {**counter.counts, "traffic_bytes": traffic.num_bytes, **more}


def graphs_so_far() -> Counts:
    """Return how many graphs torch.compile has made in this process, and how often it broke one or skipped a function.

    It skips a function that would have to break in a loop, and does not always count that as a break.
    """
    from torch._dynamo.utils import counters

    breaks, frames = sum(counters["graph_break"].values()), counters["frames"]
    return {"graphs": counters["stats"]["unique_graphs"], "graph_breaks": breaks + frames["total"] - frames["ok"]}


def counted_with(device: Device) -> dict[str, str]:
    """Return the versions without which two counts are not of one thing."""
    versions = {"torch": str(torch.__version__)}
    if device.is_cuda:
        versions |= {"cuda": str(torch.version.cuda), "cudnn": str(torch.backends.cudnn.version())}
    return versions


@contextmanager
def fixed_draws(device: Device) -> Iterator[None]:
    """Let torch's global generators draw the same each time, and go on afterwards where they were."""
    with torch.random.fork_rng(devices=[device.name] if device.is_cuda else []):
        torch.manual_seed(DRAWS_SEED)
        yield


def counts_on_gpu(run: Callable[[], object], device: Device) -> Counts:
    """Return what the GPU itself had to do, without cuDNN's search, which runs algorithms that it then drops."""
    search, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, False
    try:
        with fixed_draws(device):
            run()  # what cuDNN chooses without the search is chosen now
        with fixed_draws(device):
            return _watched_by_cuda(run, device)
    finally:
        torch.backends.cudnn.benchmark = search


def _watched_by_cuda(run: Callable[[], object], device: Device) -> Counts:
    """Return the allocator's bytes, the waits that torch warns of, and the kernels, copies and fills that CUPTI saw."""
    from torch.autograd import DeviceType  # type: ignore[attr-defined]  # torch exports it without saying so

    torch.cuda.synchronize(device.name)
    before, mode = _allocated_so_far(device), torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings(record=True) as warned, profiler(cuda=True) as watched:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            run()
        finally:
            torch.cuda.set_sync_debug_mode(mode)
        allocated = _allocated_so_far(device) - before
        torch.cuda.synchronize(device.name)
    events = [event for event in watched.events() if event.device_type is DeviceType.CUDA]
    kernels = sum(not event.is_user_annotation for event in events)
    waits = sum(_tells_of_a_wait(str(entry.message)) for entry in warned)
    seen = {"kernels": kernels} if kernels else {}  # CUPTI may be denied: unknown is not 0
    return {"allocated_bytes": allocated, "synchronisations": waits, **seen}


def _tells_of_a_wait(warning: str) -> bool:
    """Tell a wait from the warning, once a process, that watching for them is a prototype."""
    return "called a synchronizing" in warning


def _allocated_so_far(device: Device) -> int:
    return int(torch.cuda.memory_stats(device.name)["allocated_bytes.all.allocated"])
