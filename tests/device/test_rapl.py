import errno
from pathlib import Path

import pytest

from vitcnn.device import rapl
from vitcnn.device.meter import Unmetered
from vitcnn.device.rapl import packages

RANGE_UJ = 262_143_328_850


@pytest.fixture
def powercap(tmp_path, monkeypatch):
    monkeypatch.setattr(rapl, "ROOT", tmp_path)
    return tmp_path


def zone(powercap, name, called, energy_uj):
    folder = powercap / name
    folder.mkdir(exist_ok=True)
    (folder / "name").write_text(f"{called}\n")
    (folder / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
    (folder / "energy_uj").write_text(f"{energy_uj}\n")


def test_packages_and_memory_add_up_and_what_they_hold_does_not_count_again(powercap):
    zones = {
        "intel-rapl:0": ("package-0", 3_000_000),
        "intel-rapl:0:0": ("core", 2_000_000),
        "intel-rapl:0:1": ("dram", 500_000),
        "intel-rapl:1": ("package-1", 40_000_000),
        "intel-rapl:2": ("psys", 900_000_000),
        "intel-rapl-mmio:0": ("package-0", 700_000_000),
    }
    for name, (called, _) in zones.items():
        zone(powercap, name, called, 1_000_000)
    meter = packages()
    assert meter.joules() == 0
    for name, (called, more) in zones.items():
        zone(powercap, name, called, 1_000_000 + more)
    assert meter.joules() == pytest.approx(3 + 0.5 + 40)


def test_a_counter_that_starts_again_is_followed(powercap):
    zone(powercap, "intel-rapl:0", "package-0", RANGE_UJ - 2_000_000)
    meter = packages()
    zone(powercap, "intel-rapl:0", "package-0", 5_000_000)
    assert meter.joules() == pytest.approx(7)
    zone(powercap, "intel-rapl:0", "package-0", 6_000_000)
    assert meter.joules() == pytest.approx(8)


def test_a_machine_without_counters_says_so(powercap):
    (powercap / "intel-rapl").mkdir()
    zone(powercap, "intel-rapl:0", "psys", 1)
    with pytest.raises(Unmetered, match="no RAPL counter of a processor"):
        packages()


def test_what_root_alone_may_read_is_named(powercap, monkeypatch):
    zone(powercap, "intel-rapl:0", "package-0", 1)
    read = Path.read_text

    def refuse(path, *args, **kwargs):
        if path.name == "energy_uj":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(Unmetered, match=r"the kernel lets root alone read .*intel-rapl:0/energy_uj"):
        packages()


def test_a_counter_that_vanishes_or_is_no_number_makes_it_unknown(powercap):
    zone(powercap, "intel-rapl:0", "package-0", 1)
    meter = packages()
    zone(powercap, "intel-rapl:0", "package-0", "many")
    with pytest.raises(Unmetered, match="RAPL stopped"):
        meter.joules()
    with pytest.raises(Unmetered, match="RAPL cannot be read"):
        packages()
