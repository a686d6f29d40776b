import gc
from types import SimpleNamespace

import pytest
import torch

from vitcnn.device import (
    CleanState,
    Device,
    Growth,
    free_bytes,
    memory,
    out_of_memory_as_case_error,
    peak_allocated_bytes,
    spare_bytes,
)
from vitcnn.errors import Leaked, OutOfMemory

MEGABYTE = 1 << 20


def test_a_leaked_tensor_is_found_and_named(cpu):
    state = CleanState(cpu)
    leak = torch.zeros(512, 512)
    with pytest.raises(Leaked) as caught:
        state.check()
    message = str(caught.value)
    assert message.startswith("1,048,576 bytes are still allocated on cpu after the case, in 1 tensors")
    assert "(512, 512) torch.float32 cpu" in message
    assert leak.nbytes == MEGABYTE


def test_the_three_largest_leaks_are_named(cpu):
    state = CleanState(cpu)
    leaks = [torch.zeros(count * 100_000, dtype=torch.uint8) for count in (1, 4, 2, 3)]
    with pytest.raises(Leaked, match=r"largest: \(400000,\).*\(300000,\).*\(200000,\)") as caught:
        state.check()
    assert f"{sum(leak.nbytes for leak in leaks):,} bytes" in str(caught.value)
    assert "(100000,)" not in str(caught.value)


def test_a_freed_tensor_is_no_leak(cpu):
    state = CleanState(cpu)
    tensor = torch.zeros(512, 512)
    del tensor
    state.check()


def test_a_tensor_in_a_reference_cycle_is_freed_before_the_check(cpu):
    state = CleanState(cpu)
    cycle = {"tensor": torch.zeros(512, 512)}
    cycle["self"] = cycle
    gc.disable()
    try:
        del cycle
        state.check()
    finally:
        gc.enable()


def test_what_was_there_before_is_no_leak(cpu):
    before = torch.zeros(512, 512)
    state = CleanState(cpu)
    before.add_(1)
    state.check()


def test_small_tensors_are_no_leak_until_they_add_up(cpu):
    state = CleanState(cpu)
    small = [torch.zeros(1024, dtype=torch.uint8) for _ in range(63)]
    state.check()
    small.append(torch.zeros(1024, dtype=torch.uint8))
    with pytest.raises(Leaked, match=r"65,536 bytes .* in 64 tensors"):
        state.check()


def test_a_view_of_a_large_storage_leaks_all_of_it_and_once(cpu):
    state = CleanState(cpu)
    storage = torch.zeros(MEGABYTE, dtype=torch.uint8).untyped_storage()
    views = [torch.empty(0, dtype=torch.uint8).set_(storage, start, (1,)) for start in (0, 1)]
    del storage
    with pytest.raises(Leaked, match=r"1,048,576 bytes .* in 2 tensors"):
        state.check()
    assert [view.nbytes for view in views] == [1, 1]


def test_parameters_of_a_module_that_lives_on_are_a_leak(cpu):
    state = CleanState(cpu)
    module = torch.nn.Linear(256, 256, bias=False)
    with pytest.raises(Leaked, match=r"262,144 bytes .*\(256, 256\) torch.float32 cpu"):
        state.check()
    del module
    state.check()


def allocated(monkeypatch, *readings):
    values = iter(readings)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _device: next(values))


def test_on_cuda_the_allocator_is_asked_after_everything_is_released(cuda, calls, monkeypatch):
    allocated(monkeypatch, 5 * MEGABYTE, 5 * MEGABYTE)
    state = CleanState(cuda)
    assert state.floor_bytes == 5 * MEGABYTE
    released = ["synchronize", "workspaces", "empty_cache"]
    assert calls == ["blas", *released]
    state.check()
    assert calls == ["blas", *released, *released]


def test_on_cuda_memory_that_no_tensor_holds_is_a_leak(cuda, calls, monkeypatch):
    allocated(monkeypatch, MEGABYTE, 3 * MEGABYTE)
    state = CleanState(cuda)
    with pytest.raises(Leaked, match=r"2,097,152 bytes .* on cuda:0 .*in 0 tensors .*no tensor that Python can see"):
        state.check()


def test_on_cuda_tensors_on_the_cpu_are_no_leak(cuda, calls, monkeypatch):
    allocated(monkeypatch, MEGABYTE, MEGABYTE)
    state = CleanState(cuda)
    on_cpu = torch.zeros(512, 512)
    state.check()
    assert on_cpu.device.type == "cpu"


def test_peak_is_read_after_a_reset_and_a_run_that_is_waited_for(cuda, calls, monkeypatch):
    def peak(_device):
        calls.append("read")
        return 12_345

    monkeypatch.setattr(torch.cuda, "max_memory_allocated", peak)
    assert peak_allocated_bytes(cuda, lambda: calls.append("run")) == 12_345
    assert calls == ["synchronize", "reset_peak_memory_stats", "run", "synchronize", "read"]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("no room"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried"),
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB\nlong explanation"),
        torch.AcceleratorError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_ways_to_run_out_of_memory_are_one_case_error(error):
    with pytest.raises(OutOfMemory) as caught, out_of_memory_as_case_error(Device(name="cuda:1", key="x")):
        raise error
    first_line = str(error).splitlines()[0]
    assert str(caught.value) == f"out of memory on cuda:1: {first_line}; choose a smaller batch or a smaller model"


def test_what_torch_raises_on_a_cpu_is_recognised(cpu):
    with pytest.raises(OutOfMemory, match="out of memory on cpu"), out_of_memory_as_case_error(cpu):
        torch.empty(1 << 50, dtype=torch.uint8)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("shapes differ"),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        ValueError("can't allocate memory"),
        KeyError("x"),
    ],
)
def test_other_errors_pass_as_they_are(cpu, error):
    with pytest.raises(type(error)) as caught, out_of_memory_as_case_error(cpu):
        raise error
    assert caught.value is error


def test_free_memory_on_cuda_is_what_the_device_has_and_what_torch_keeps_for_reuse(cuda, monkeypatch):
    other = Device(name="cuda:1", key=cuda.key)
    for name, values in {
        "mem_get_info": {"cuda:0": (100, 1000), "cuda:1": (700, 1000)},
        "memory_reserved": {"cuda:0": 50, "cuda:1": 90},
        "memory_allocated": {"cuda:0": 20, "cuda:1": 90},
    }.items():
        monkeypatch.setattr(torch.cuda, name, values.__getitem__)
    assert [free_bytes(device) for device in (cuda, other)] == [130, 700]


@pytest.mark.parametrize("left, free", [(None, 1000), (300, 300), (5000, 1000)])
def test_free_memory_on_a_cpu_is_what_system_and_control_group_leave(cpu, monkeypatch, left, free):
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    monkeypatch.setattr(memory, "memory_left_bytes", lambda: left)
    assert (free_bytes(cpu), spare_bytes(cpu)) == (free, free // 4)


def growing(cpu, calls, *, kept_bytes, garbage=False):
    """Call something so often that keeps tensors of so many bytes, or leaves them in a cycle that is garbage."""
    kept, growth = [], Growth(cpu)
    for _ in range(calls):
        tensor = torch.zeros(kept_bytes, dtype=torch.uint8)
        cycle = [tensor]
        cycle.append(cycle)
        if not garbage:
            kept.append(tensor)
    growth.check(calls)


def test_calls_that_keep_more_and_more_are_named(cpu):
    with pytest.raises(
        Leaked, match=r"30 calls kept 3,000,000 bytes on cpu, most often \(100000,\) torch.uint8, 30 times"
    ):
        growing(cpu, 30, kept_bytes=100_000)


@pytest.mark.parametrize(
    "how",
    [
        {"calls": 30, "kept_bytes": 1_000},
        {"calls": 2, "kept_bytes": 10_000_000},
        {"calls": 30, "kept_bytes": 100_000, "garbage": True},
    ],
)
def test_little_few_calls_and_garbage_are_no_growth(cpu, how):
    growing(cpu, **how)


def test_what_is_made_once_or_anew_in_each_call_is_no_growth(cpu):
    """As gradients and an optimiser's states are."""
    gradients = [torch.zeros(10**6) for _ in range(40)]
    growth = Growth(cpu)
    gradients[:] = [torch.zeros(10**6) for _ in range(40)]
    states = [torch.zeros(10**6) for _ in range(10)]
    growth.check(30)
    assert len(states) + len(gradients) == 50
