import os
import time

import psutil
import pynvml
import pytest
import torch

from vitcnn.device import resolve, which
from vitcnn.device.clock import synchronized_perf_counter
from vitcnn.device.which import cpu_model, num_threads, slug, threads_and_reason
from vitcnn.errors import UserError


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def driver(monkeypatch):
    """An NVIDIA driver that reports as many GPUs as the returned list says."""
    counts = [1]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: counts[0])
    return counts


def test_cpu_is_always_there():
    device = resolve("cpu")
    assert (device.name, device.kind, device.is_cuda, device.default_preset) == ("cpu", "cpu", False, "smoke")
    assert device.timer is time.perf_counter
    assert device.key == f"cpu-{slug(cpu_model())}-{num_threads()}t"


@pytest.mark.parametrize(
    "asked, name, key",
    [
        ("cuda", "cuda:0", "nvidia-h200"),
        ("cuda:0", "cuda:0", "nvidia-h200"),
        ("cuda:1", "cuda:1", "nvidia-a100-sxm4-80gb"),
    ],
)
def test_cuda_devices_by_index(two_gpus, asked, name, key):
    device = resolve(asked)
    assert (device.name, device.key) == (name, key)
    assert (device.kind, device.is_cuda, device.default_preset) == ("cuda", True, "standard")
    assert device.timer is synchronized_perf_counter


@pytest.mark.parametrize("asked", ["gpu", "CUDA", "cuda:", "cuda:-1", "cuda:x", "cuda:0 ", "mps", ""])
def test_what_names_no_device_is_refused(asked):
    with pytest.raises(UserError) as caught:
        resolve(asked)
    do = "Leave it out to use CUDA if there is a GPU, otherwise the CPU."
    assert str(caught.value) == f"--device: {asked!r} cannot be used. Allowed: auto, cpu, cuda, cuda:N. {do}"


def test_cuda_without_a_gpu_says_what_torch_sees_and_what_to_check(no_gpu):
    with pytest.raises(UserError) as caught:
        resolve("cuda")
    assert str(caught.value) == (
        "--device: 'cuda' cannot be used. Allowed: auto, cpu. Torch sees 0 CUDA devices here: "
        "check nvidia-smi, CUDA_VISIBLE_DEVICES and torch.version.cuda."
    )


def test_an_index_beyond_the_last_gpu_is_refused_with_those_there_are(two_gpus):
    with pytest.raises(UserError, match=r"'cuda:2' .*Allowed: auto, cpu, cuda:0, cuda:1\. Torch sees 2 CUDA devices"):
        resolve("cuda:2")


def test_one_gpu_is_counted_in_the_singular(two_gpus, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(UserError, match="Torch sees 1 CUDA device here"):
        resolve("cuda:1")


def test_auto_takes_the_first_gpu(two_gpus, driver):
    assert resolve("auto").name == "cuda:0"


def test_auto_takes_the_cpu_where_the_driver_sees_a_gpu_and_torch_does_not(no_gpu, driver):
    assert resolve("auto").name == "cpu"


def test_auto_takes_the_cpu_where_the_driver_sees_no_gpu(two_gpus, driver):
    driver[0] = 0
    assert resolve("auto").name == "cpu"


@pytest.mark.parametrize("hidden", ["", "-1", " "])
def test_auto_takes_the_cpu_where_the_gpus_are_hidden(two_gpus, driver, monkeypatch, hidden):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert resolve("auto").name == "cpu"


@pytest.mark.parametrize("function", ["nvmlInit", "nvmlDeviceGetCount"])
def test_auto_takes_the_cpu_where_the_driver_fails(two_gpus, driver, monkeypatch, function):
    def fails():
        raise pynvml.NVMLError_LibraryNotFound

    monkeypatch.setattr(pynvml, function, fails)
    assert resolve("auto").name == "cpu"


@pytest.mark.parametrize(
    "name, folder",
    [
        ("NVIDIA H200", "nvidia-h200"),
        ("Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", "intel-xeon-platinum-8481c-cpu-2-70ghz"),
        ("Intel(R) Core(TM) i7-8550U", "intel-core-i7-8550u"),
        ("  odd / name\\.. ", "odd-name"),
    ],
)
def test_slug_is_a_folder_name(name, folder):
    assert slug(name) == folder


@pytest.fixture
def machine(monkeypatch):
    """A machine of 64 logical and 32 physical CPUs, of which the process may run on `affinity` and use `quota`."""

    def of(*, affinity=64, quota=None, asked=""):
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
        monkeypatch.setattr(os, "cpu_count", lambda: 64)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(affinity)), raising=False)
        monkeypatch.setattr(psutil, "cpu_count", lambda logical: 64 if logical else 32)
        monkeypatch.setattr(which, "cpu_quota", lambda: quota)

    return of


@pytest.mark.parametrize("asked", ["", "0", "many"])
@pytest.mark.parametrize(
    "limits, threads, reason",
    [
        ({}, 32, "the machine has 32 physical cores"),
        ({"affinity": 8}, 8, "this process may run on 8 of 64 CPUs"),
        ({"affinity": 1, "quota": 2.0}, 1, "this process may run on 1 of 64 CPUs"),
        ({"quota": 2.0}, 2, "a control group allows the time of 2 CPUs"),
        ({"quota": 1.5}, 1, "a control group allows the time of 1.5 CPUs"),
        ({"quota": 0.5}, 1, "a control group allows the time of 0.5 CPUs"),
        ({"quota": 48.0}, 32, "the machine has 32 physical cores"),
    ],
)
def test_threads_are_what_the_smallest_limit_allows(machine, asked, limits, threads, reason):
    machine(**limits, asked=asked)
    assert threads_and_reason() == (threads, reason)
    assert resolve("cpu").key == f"cpu-{slug(cpu_model())}-{threads}t"


def test_threads_asked_for_are_the_threads_used_whatever_limits_there_are(machine):
    machine(affinity=2, quota=1.0, asked="3")
    assert threads_and_reason() == (3, "OMP_NUM_THREADS")
    assert num_threads() == 3


def test_the_processor_has_a_name():
    assert cpu_model().strip() == cpu_model() != ""
