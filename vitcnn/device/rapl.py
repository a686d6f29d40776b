"""Reads the energy of a machine's processors by RAPL, where the kernel lets it be read: /sys/class/powercap.

Since Linux 5.10 root alone may read it, and virtual machines have none.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from vitcnn.device.meter import Sample, Unmetered

ROOT = Path("/sys/class/powercap")
"""Tests name another folder."""

MICRO = 1e-6
COUNTED = ("package", "dram")
"""Zones whose energies add up. A package holds its cores; `psys`, where there is one, holds all of them again."""


class Zone:
    """One counter, which starts again from 0 behind its largest value."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "energy_uj"
        self._range = int((folder / "max_energy_range_uj").read_text())
        self._last = self._read()
        self._counted = 0

    def joules(self) -> float:
        """Return the joules since the zone was opened; it must be asked before the counter has gone round twice."""
        now = self._read()
        self._counted += now - self._last if now >= self._last else now + self._range - self._last
        self._last = now
        return self._counted * MICRO

    def _read(self) -> int:
        return int(self._file.read_text())


class Packages:
    """All processors of the machine, and the memory where it is counted."""

    scope = "of all processors of the machine and whatever runs on them"
    has_counter = True
    has_samples = False

    def __init__(self, zones: list[Zone]) -> None:
        self._zones = zones

    def joules(self) -> float:
        try:
            return sum(zone.joules() for zone in self._zones)
        except (OSError, ValueError) as error:
            raise Unmetered(f"RAPL stopped to tell the processors' energy ({error})") from error

    def sample(self, at_s: float) -> Sample:
        return Sample(at_s=at_s)


def packages() -> Packages:
    """Return the counters of the processors; Unmetered says why there are none to read."""
    folders = [folder for folder in sorted(ROOT.glob("intel-rapl:*")) if _name(folder).startswith(COUNTED)]
    if not any(_name(folder).startswith("package") for folder in folders):
        raise Unmetered(f"there is no RAPL counter of a processor in {ROOT}, as in most virtual machines")
    try:
        return Packages([Zone(folder) for folder in folders])
    except PermissionError as error:
        _refused(error)
    except (OSError, ValueError) as error:
        raise Unmetered(f"RAPL cannot be read ({error})") from error


def _refused(error: PermissionError) -> NoReturn:
    raise Unmetered(f"the kernel lets root alone read {error.filename}") from error


def _name(folder: Path) -> str:
    try:
        return (folder / "name").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
