"""Measures peak and free memory of the device, finds what a case leaves allocated, and tells when memory ran out."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING

import psutil

from vitcnn.device.cgroup import memory_left_bytes
from vitcnn.device.profiling import profiler
from vitcnn.device.which import Device
from vitcnn.errors import Leaked, OutOfMemory

if TYPE_CHECKING:
    import torch

FEWEST_CALLS = 3
"""Of fewer calls nobody can say that each keeps more."""

LEAK_THRESHOLD_BYTES = 64 * 1024
"""Left-over tensors below this are caches of libraries (a constant, a random state), not a case's leak."""

SPARE_SHARE = 0.25
"""Share of the free memory for what could also lie elsewhere, or be less: the rest is for what cannot."""

SAY_OUT_OF_MEMORY = (
    "can't allocate memory",
    "CUDA error: out of memory",
    "CUDA ran out of memory",
    "_STATUS_ALLOC_FAILED",
    "CUFFT_ALLOC_FAILED",
)
"""Words of the RuntimeErrors by which the allocator of a CPU, the CUDA runtime and its libraries say so."""


def peak_bytes(device: Device, run: Callable[[], object]) -> int:
    """Return how much memory of the device one call of `run` takes at its peak, above what was taken before.

    On a CPU it is what torch allocates; workspaces of libraries that allocate for themselves are not in it.
    """
    if not device.is_cuda:
        return _peak_on_cpu(run)
    import torch

    before = torch.cuda.memory_allocated(device.name)
    return max(0, peak_allocated_bytes(device, run) - before)


def _peak_on_cpu(run: Callable[[], object]) -> int:
    """Add up what torch's profiler sees allocated and freed."""
    with profiler(memory=True) as profiled:
        run()
    events = profiled.profiler.kineto_results.events()
    changes = sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]")
    return max(accumulate((change for _, change in changes), initial=0))


def peak_allocated_bytes(device: Device, run: Callable[[], object]) -> int:
    """Return the peak of the memory that torch had allocated on a CUDA device during one call of `run`."""
    import torch

    torch.cuda.synchronize(device.name)
    torch.cuda.reset_peak_memory_stats(device.name)
    run()
    torch.cuda.synchronize(device.name)
    return torch.cuda.max_memory_allocated(device.name)


def free_bytes(device: Device) -> int:
    """Return the bytes that torch can still allocate on the device, in blocks that it keeps for reuse or new ones."""
    if not device.is_cuda:
        return free_bytes_of_host()
    import torch

    kept = torch.cuda.memory_reserved(device.name) - torch.cuda.memory_allocated(device.name)
    return torch.cuda.mem_get_info(device.name)[0] + kept


def spare_bytes(device: Device) -> int:
    """Return the bytes of the device that may go to what could also lie elsewhere, or be less."""
    return int(SPARE_SHARE * free_bytes(device))


def free_bytes_of_host() -> int:
    """Return what the system has available, or what the control groups leave where that is less."""
    left, available = memory_left_bytes(), int(psutil.virtual_memory().available)
    return available if left is None else min(available, left)


def release(device: Device) -> None:
    """Free what nothing refers to any more: garbage, and on CUDA cuBLAS workspaces and cached blocks."""
    gc.collect()
    if device.is_cuda:
        import torch

        torch.cuda.synchronize(device.name)
        torch._C._cuda_clearCublasWorkspaces()
        torch.cuda.empty_cache()


def open_blas_workspaces(device: Device) -> None:
    """Make cuBLAS take the workspaces that it may keep for good, so that no case is blamed for them."""
    import torch

    for dtype in (torch.float32, torch.bfloat16):
        square = torch.ones(128, 128, device=device.name, dtype=dtype)
        torch.nn.functional.linear(square, square, square[0])


class CleanState:
    """Watches what one case leaves allocated on the device. Make it before the case; `check` after it."""

    def __init__(self, device: Device) -> None:
        self.device = device
        if device.is_cuda:
            open_blas_workspaces(device)
        release(device)
        self._before = {id(tensor): weakref.ref(tensor) for tensor in _live_tensors(device)}
        self.floor_bytes = self._allocated_bytes()

    def check(self) -> None:
        """Raise Leaked, naming the tensors, where the case left more than a library's caches behind."""
        release(self.device)
        left = [tensor for tensor in _live_tensors(self.device) if not self._was_there(tensor)]
        num_bytes = _storage_bytes(left)
        if self.device.is_cuda:  # also what no Python object refers to, such as a saved graph
            num_bytes = self._allocated_bytes() - self.floor_bytes
        if num_bytes < LEAK_THRESHOLD_BYTES:
            return
        largest = sorted(left, key=lambda tensor: -tensor.nbytes)[:3]
        names = "; ".join(f"{tuple(t.shape)} {t.dtype} {t.device}" for t in largest) or "no tensor that Python can see"
        raise Leaked(
            f"{num_bytes:,} bytes are still allocated on {self.device.name} after the case, in {len(left)} tensors "
            f"(largest: {names}): drop the references that the case made (globals, caches, hooks, saved outputs)"
        )

    def _was_there(self, tensor: torch.Tensor) -> bool:
        reference = self._before.get(id(tensor))
        return reference is not None and reference() is tensor

    def _allocated_bytes(self) -> int:
        if not self.device.is_cuda:
            return 0
        import torch

        return torch.cuda.memory_allocated(self.device.name)


class Growth:
    """Watches whether each of many calls keeps more tensors. Make it once the calls are warm; `check` after them."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self._kinds, self._num_bytes = self._kept()

    def check(self, num_calls: int) -> None:
        """Raise Leaked, naming the tensors, where `num_calls` calls have kept as many or more, and much memory."""
        gc.collect()
        kinds, num_bytes = self._kept()
        grown = num_bytes - self._num_bytes
        if num_calls < FEWEST_CALLS or kinds.total() - self._kinds.total() < num_calls or grown < LEAK_THRESHOLD_BYTES:
            return
        [((shape, dtype), count)] = (kinds - self._kinds).most_common(1)
        raise Leaked(
            f"each call keeps more memory: {num_calls} calls kept {grown:,} bytes on {self.device.name}, most often "
            f"{shape} {dtype}, {count} times: drop what a call does not need later (a list or a cache that grows)"
        )

    def _kept(self) -> tuple[Counter[tuple[tuple[int, ...], torch.dtype]], int]:
        tensors = _live_tensors(self.device)
        return Counter((tuple(tensor.shape), tensor.dtype) for tensor in tensors), _storage_bytes(tensors)


def _live_tensors(device: Device) -> list[torch.Tensor]:
    import torch
    from torch._subclasses.fake_tensor import FakeTensor  # holds no memory

    tensors = [o for o in gc.get_objects() if issubclass(type(o), torch.Tensor) and type(o) is not FakeTensor]
    return [t for t in tensors if t.device.type == device.kind and t.layout is torch.strided]


def _storage_bytes(tensors: list[torch.Tensor]) -> int:
    storages = (tensor.untyped_storage() for tensor in tensors)
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


@contextmanager
def out_of_memory_as_case_error(device: Device) -> Iterator[None]:
    """Turn torch's ways to run out of memory, on CUDA and CPU, into OutOfMemory; let all else pass."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        first_line = str(error).partition("\n")[0]
        raise OutOfMemory(
            f"out of memory on {device.name}: {first_line}; choose a smaller batch or a smaller model"
        ) from None


def is_out_of_memory(error: MemoryError | RuntimeError) -> bool:
    """Whether an error is one of the ways in which Python, torch, CUDA and its libraries say that memory ran out."""
    named = type(error).__name__ == "OutOfMemoryError"  # torch's; a RuntimeError that only CUDA raises
    return named or isinstance(error, MemoryError) or any(words in str(error) for words in SAY_OUT_OF_MEMORY)
