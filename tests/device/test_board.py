import sys
from types import SimpleNamespace

import pynvml
import pytest
import torch

from vitcnn.device import throttling
from vitcnn.device.board import board_of
from vitcnn.device.meter import Sample, Unmetered

UUID = "0de61e24-22b3-4c55-9b62-4e3bcb2a7a10"
CAP, HOT = pynvml.nvmlClocksEventReasonSwPowerCap, pynvml.nvmlClocksEventReasonHwThermalSlowdown


class Driver(SimpleNamespace):
    """Stands in for the module `pynvml`: one board's answers by the functions' names; an error among them is raised."""

    NVMLError = pynvml.NVMLError
    NVML_TEMPERATURE_GPU, NVML_CLOCK_SM, NVML_CLOCK_MEM = (
        pynvml.NVML_TEMPERATURE_GPU,
        pynvml.NVML_CLOCK_SM,
        pynvml.NVML_CLOCK_MEM,
    )
    NVML_DEVICE_MIG_ENABLE = pynvml.NVML_DEVICE_MIG_ENABLE

    def __init__(self):
        super().__init__()
        self.answers = {
            "Init": None,
            "DeviceGetMigMode": pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED),
            "DeviceGetTotalEnergyConsumption": 5_000_250,
            "DeviceGetPowerUsage": 312_500,
            "DeviceGetTemperature": 61,
            "DeviceGetClockInfo": {pynvml.NVML_CLOCK_SM: 1_755, pynvml.NVML_CLOCK_MEM: 3_201},
            "DeviceGetCurrentClocksEventReasons": CAP | HOT,
        }

    def __getattr__(self, name):
        found = name.removeprefix("nvml")
        if not name.startswith("nvml") or found not in self.answers:
            raise AttributeError(name)

        def function(*args):
            answer = self.answers[found]
            if isinstance(answer, Exception):
                raise answer
            assert args[:1] in ((), ("the board",))
            return answer[args[1]] if isinstance(answer, dict) else answer

        return function

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        if uuid != f"GPU-{UUID}":
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return "the board"

    def refuse(self, name, code=pynvml.NVML_ERROR_NOT_SUPPORTED):
        self.answers[name] = pynvml.NVMLError(code)


@pytest.fixture
def driver(monkeypatch):
    fake = Driver()
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _name: SimpleNamespace(uuid=UUID))
    throttling.nvml_handle.cache_clear()
    yield fake
    throttling.nvml_handle.cache_clear()


def test_the_board_tells_joules_watts_celsius_clocks_and_reasons(driver, cuda):
    board = board_of(cuda)
    assert board.has_counter
    assert board.joules() == pytest.approx(5000.25)
    assert board.sample(7.5) == Sample(
        at_s=7.5,
        watts=312.5,
        celsius=61,
        sm_mhz=1755,
        memory_mhz=3201,
        reasons=("hw_thermal_slowdown", "sw_power_cap"),
    )


def test_what_it_refuses_is_unknown_and_not_zero(driver, cuda):
    for name in ("DeviceGetPowerUsage", "DeviceGetTemperature", "DeviceGetClockInfo"):
        driver.refuse(name)
    del driver.answers["DeviceGetCurrentClocksEventReasons"]  # an older pynvml has no such function
    assert board_of(cuda).sample(1.0) == Sample(at_s=1.0)


def test_a_board_without_a_counter_has_samples(driver, cuda):
    driver.refuse("DeviceGetTotalEnergyConsumption")
    board = board_of(cuda)
    assert (board.has_counter, board.has_samples) == (False, True)
    driver.refuse("DeviceGetPowerUsage", pynvml.NVML_ERROR_NO_PERMISSION)
    with pytest.raises(Unmetered, match="neither energy nor power"):
        board_of(cuda)


def test_under_mig_it_is_unknown(driver, cuda):
    driver.answers["DeviceGetMigMode"] = [pynvml.NVML_DEVICE_MIG_ENABLE, pynvml.NVML_DEVICE_MIG_ENABLE]
    with pytest.raises(Unmetered, match="split by MIG"):
        board_of(cuda)
    driver.answers["DeviceGetMigMode"] = [pynvml.NVML_DEVICE_MIG_DISABLE, pynvml.NVML_DEVICE_MIG_ENABLE]
    assert board_of(cuda).has_counter


def test_without_nvml_or_in_a_container_that_hides_the_gpu_it_is_unknown(driver, cuda, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _name: SimpleNamespace(uuid="another"))
    with pytest.raises(Unmetered, match=r"NVML does not open the GPU .*Not Found"):
        board_of(cuda)
    driver.refuse("Init", pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)
    with pytest.raises(Unmetered, match=r"NVML does not open the GPU .*Not Found"):
        board_of(cuda)


def test_a_counter_that_is_refused_later_is_unknown(driver, cuda):
    board = board_of(cuda)
    driver.refuse("DeviceGetTotalEnergyConsumption", pynvml.NVML_ERROR_GPU_IS_LOST)
    with pytest.raises(Unmetered, match="NVML stopped to tell"):
        board.joules()
