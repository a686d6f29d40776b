"""Reads energy, power, temperature and clocks of a GPU's whole board by NVML, which needs no rights.

The board is found by its UUID, since NVML does not know CUDA_VISIBLE_DEVICES. Idle power, the memory and whatever else
runs on the board are in its energy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vitcnn.device.meter import Sample, Unmetered
from vitcnn.device.throttling import nvml_handle, reason_names
from vitcnn.device.which import Device

MILLI = 1e-3


@dataclass(frozen=True, kw_only=True)
class Board:
    """One GPU as NVML knows it."""

    handle: Any
    has_counter: bool
    scope: str = "of the whole GPU board, idle power included"
    has_samples: bool = True

    def joules(self) -> float:
        import pynvml

        try:
            return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(self.handle)) * MILLI
        except pynvml.NVMLError as error:
            raise Unmetered(f"NVML stopped to tell the board's energy: {error}") from error

    def sample(self, at_s: float) -> Sample:
        import pynvml

        def read(name: str, *what: Any) -> float | None:
            found = _told(name, self.handle, *what)
            return None if found is None else float(found)

        milliwatts = read("nvmlDeviceGetPowerUsage")
        mask = _told("nvmlDeviceGetCurrentClocksEventReasons", self.handle)
        return Sample(
            at_s=at_s,
            watts=None if milliwatts is None else milliwatts * MILLI,
            celsius=read("nvmlDeviceGetTemperature", pynvml.NVML_TEMPERATURE_GPU),
            sm_mhz=read("nvmlDeviceGetClockInfo", pynvml.NVML_CLOCK_SM),
            memory_mhz=read("nvmlDeviceGetClockInfo", pynvml.NVML_CLOCK_MEM),
            reasons=None if mask is None else tuple(reason_names(int(mask))),
        )


def board_of(device: Device) -> Board:
    """Return the board of torch's device; Unmetered says why NVML tells nothing of it."""
    import pynvml

    try:
        handle = nvml_handle(device.name)
    except (pynvml.NVMLError, AttributeError) as error:  # AttributeError: the old distribution `pynvml`
        raise Unmetered(f"NVML does not open the GPU ({error})") from error
    if _is_split(handle):
        raise Unmetered("the GPU is split by MIG, and NVML tells the energy of the whole board alone")
    has_counter = _told("nvmlDeviceGetTotalEnergyConsumption", handle) is not None
    if not has_counter and _told("nvmlDeviceGetPowerUsage", handle) is None:
        raise Unmetered("NVML tells neither energy nor power of this GPU")
    return Board(handle=handle, has_counter=has_counter)


def _is_split(handle: Any) -> bool:
    """Whether MIG is on; a board that does not know MIG is whole."""
    import pynvml

    modes = _told("nvmlDeviceGetMigMode", handle)
    return modes is not None and modes[0] == pynvml.NVML_DEVICE_MIG_ENABLE


def _told(name: str, *what: Any) -> Any:
    """Return what a function of NVML answers, or None where it refuses, or this pynvml has no such function."""
    import pynvml

    try:
        return getattr(pynvml, name)(*what)
    except (pynvml.NVMLError, AttributeError):
        return None
