import json
import re
import sys
from types import SimpleNamespace

import pynvml
import pytest
import torch

from vitcnn.device import Device, throttling
from vitcnn.device.throttling import REASONS, watch_clocks
from vitcnn.measuring.own_benchmark import OwnBenchmark
from vitcnn.record import Record
from vitcnn.record.record import SPOILING_CLOCKS

UUIDS = {"cuda:0": "0de61e24-22b3-4c55-9b62-4e3bcb2a7a10", "cuda:1": "5a3f7c9b-1d58-4a0e-8f0c-0c0c2c7f6d31"}
IDLE, CAP = pynvml.nvmlClocksEventReasonGpuIdle, pynvml.nvmlClocksEventReasonSwPowerCap
HOT = pynvml.nvmlClocksEventReasonHwThermalSlowdown


class Driver(SimpleNamespace):
    """Stands in for the module `pynvml`. It lists the two GPUs the other way round than torch does.

    `masks` are the readings to come of each UUID; an exception among them is raised.
    """

    NVMLError = pynvml.NVMLError

    def __init__(self):
        super().__init__(calls=[], masks={f"GPU-{uuid}": [] for uuid in reversed(UUIDS.values())})

    def nvmlInit(self):  # noqa: N802
        self.calls.append("init")

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        self.calls.append(uuid)
        if uuid not in self.masks:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return self.masks[uuid]

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle):  # noqa: N802
        self.calls.append("read")
        reading = handle.pop(0)
        if isinstance(reading, Exception):
            raise reading
        return reading

    def will_read(self, *masks, name="cuda:0"):
        self.masks[f"GPU-{UUIDS[name]}"] += masks


@pytest.fixture
def driver(monkeypatch):
    fake = Driver()
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda name: SimpleNamespace(uuid=UUIDS[name]))
    throttling.nvml_handle.cache_clear()
    yield fake
    throttling.nvml_handle.cache_clear()


def watched(device):
    with watch_clocks(device) as settings:
        assert settings == {}
    return settings


def test_each_reason_has_the_name_that_nvml_gives_it():
    named = {
        re.sub(r"(?<!^)(?=[A-Z])", "_", constant.removeprefix("nvmlClocksEventReason")).lower(): mask
        for constant, mask in vars(pynvml).items()
        if constant.startswith("nvmlClocksEventReason")
    }
    for other in ("all", "none", "user_defined_clocks"):  # not reasons, and the old name of applications_clocks_setting
        del named[other]
    assert named == {name: 1 << bit for bit, name in enumerate(REASONS)}


def test_what_spoils_a_sample_is_a_reason_of_nvml():
    assert set(REASONS) > SPOILING_CLOCKS
    assert {name for name in REASONS if name.endswith("slowdown")} == SPOILING_CLOCKS


@pytest.mark.parametrize(
    "before, after, clocks",
    [
        (0, 0, []),
        (IDLE, IDLE, ["gpu_idle"]),
        (0, CAP, ["sw_power_cap"]),
        (HOT, 0, ["hw_thermal_slowdown"]),
        (IDLE | CAP, CAP | HOT, ["gpu_idle", "hw_thermal_slowdown", "sw_power_cap"]),
        (pynvml.nvmlClocksEventReasonAll, 0, sorted(REASONS)),
        (1 << 63, CAP, ["bit_63", "sw_power_cap"]),
    ],
)
def test_reasons_before_and_after_are_listed_by_name(driver, cuda, before, after, clocks):
    driver.will_read(before, after)
    assert watched(cuda) == {"clocks": clocks}


def test_nothing_is_read_while_the_block_runs(driver, cuda):
    driver.will_read(0, 0)
    with watch_clocks(cuda):
        driver.calls.append("timed")
    assert driver.calls == ["init", f"GPU-{UUIDS['cuda:0']}", "read", "timed", "read"]


def test_a_gpu_is_found_in_nvml_by_its_uuid(driver, cuda):
    driver.will_read(CAP, CAP)
    driver.will_read(HOT, HOT, name="cuda:1")
    assert watched(Device(name="cuda:1", key="x")) == {"clocks": ["hw_thermal_slowdown"]}
    assert watched(cuda) == {"clocks": ["sw_power_cap"]}


def test_nvml_is_opened_once(driver, cuda):
    driver.will_read(0, 0, CAP, CAP)
    assert [watched(cuda), watched(cuda)] == [{"clocks": []}, {"clocks": ["sw_power_cap"]}]
    assert driver.calls.count("init") == 1


@pytest.mark.parametrize(
    "code",
    [pynvml.NVML_ERROR_NOT_SUPPORTED, pynvml.NVML_ERROR_NO_PERMISSION, pynvml.NVML_ERROR_FUNCTION_NOT_FOUND],
)
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_a_reading_that_is_refused_makes_it_unknown(driver, cuda, code, first):
    refused = pynvml.NVMLError(code)
    driver.will_read(*((refused, CAP) if first else (CAP, refused)))
    assert watched(cuda) == {"clocks": "unknown"}


def test_without_a_driver_it_is_unknown_and_asked_again_next_time(driver, cuda, monkeypatch):
    def absent():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    with monkeypatch.context() as patch:
        patch.setattr(driver, "nvmlInit", absent, raising=False)
        assert watched(cuda) == {"clocks": "unknown"}
    driver.will_read(0, 0)
    assert watched(cuda) == {"clocks": []}


def test_a_uuid_that_nvml_does_not_know_as_under_mig_is_unknown(driver, cuda):
    driver.masks.clear()
    assert watched(cuda) == {"clocks": "unknown"}


def test_a_pynvml_without_the_function_is_unknown(driver, cuda, monkeypatch):
    monkeypatch.delattr(Driver, "nvmlDeviceGetCurrentClocksEventReasons")
    assert watched(cuda) == {"clocks": "unknown"}


def test_on_a_cpu_nothing_is_asked_and_nothing_said(driver, cpu):
    assert watched(cpu) == {}
    assert driver.calls == []


def test_an_error_in_the_block_passes(driver, cuda):
    driver.will_read(0)
    with pytest.raises(KeyError), watch_clocks(cuda):
        raise KeyError


def test_a_users_own_benchmark_is_watched_while_it_is_timed_alone(driver, cuda, cpu, monkeypatch):
    def stopwatch(_run, **_settings):
        driver.calls.append("timed")
        return (0.5,)

    driver.will_read(IDLE, CAP)
    monkeypatch.setattr("vitcnn.device.observers.OBSERVERS", (lambda _device: watch_clocks(cuda),))
    benchmark = OwnBenchmark(id="mine", architecture="", run=lambda: driver.calls.append("run"), images=1)
    record = benchmark.measure(device=cpu, stopwatch=stopwatch)
    assert record.settings["clocks"] == ["gpu_idle", "sw_power_cap"]
    timed = driver.calls.index("timed")
    assert driver.calls[timed - 1 : timed + 2] == ["read", "timed", "read"]
    assert Record.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_a_users_own_benchmark_on_a_cpu_says_nothing_about_clocks(cpu):
    benchmark = OwnBenchmark(id="mine", architecture="", run=lambda: None, images=1)
    assert "clocks" not in benchmark.measure(device=cpu, stopwatch=lambda _run, **_settings: (0.5,)).settings
