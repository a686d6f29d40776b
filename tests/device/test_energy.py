import threading
import time
from dataclasses import dataclass, field

import pytest

from vitcnn.device import Device, energy
from vitcnn.device.energy import AT_LEAST_S, energy_of
from vitcnn.device.meter import Sample, Unmetered

WATTS, RUN_S, TICK_S = 200.0, 0.007, 0.1


class World:
    """A clock that advances when the device works."""

    def __init__(self):
        self.now, self.runs = 0.0, 0

    def run(self):
        self.now += RUN_S
        self.runs += 1

    @property
    def device(self):
        clocked = type("Clocked", (Device,), {"timer": property(lambda _self: lambda: self.now)})
        return clocked(name="cpu", key="test")


@dataclass
class Counter:
    """Counts the joules of constant power, and advances every `TICK_S` alone."""

    world: World
    watts: float = WATTS
    scope: str = "of a stand-in"
    has_counter: bool = True
    has_samples: bool = False
    given: list[Sample] = field(default_factory=list)

    def joules(self):
        return self.watts * TICK_S * (self.world.now // TICK_S)

    def sample(self, at_s):
        return self.given.pop(0) if self.given else Sample(at_s=at_s, watts=self.watts)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def metered(monkeypatch, world):
    def use(meter):
        monkeypatch.setattr(energy, "meter_of", lambda _device: meter)
        return meter

    return use


def test_the_energy_of_a_run_by_hand(world, metered):
    metered(Counter(world))
    found = energy_of(world.run, world.device, run_s=RUN_S)
    assert found.joules_per_run == pytest.approx(WATTS * RUN_S, rel=0.01)
    assert AT_LEAST_S <= found.seconds < AT_LEAST_S + 2 * TICK_S
    assert found.runs == pytest.approx(found.seconds / RUN_S)
    assert found.runs < world.runs, "what ran before the window does not count"
    assert (found.scope, found.method, found.samples) == ("of a stand-in", "its energy counter", ())


def test_one_run_that_takes_longer_than_all_is_measured(world, metered):
    def run():
        world.now += 20.0

    metered(Counter(world))
    found = energy_of(run, world.device, run_s=20.0)
    assert found.joules_per_run == pytest.approx(20 * WATTS)


def test_a_counter_that_stands_still_is_unknown(world, metered):
    metered(Counter(world, watts=0.0))
    with pytest.raises(Unmetered, match="did not advance within 1 s"):
        energy_of(world.run, world.device, run_s=RUN_S)


def test_power_is_integrated_where_there_is_no_counter(cpu, metered, monkeypatch, world):
    monkeypatch.setattr(energy, "AT_LEAST_S", 0.3)
    monkeypatch.setattr(energy, "LEAD_S", 0.0)
    meter = metered(Counter(world, has_counter=False, has_samples=True))
    begun = time.perf_counter()
    meter.sample = lambda at_s: Sample(at_s=at_s, watts=100.0 + 1000.0 * (at_s - begun))  # a straight line
    found = energy_of(lambda: time.sleep(0.01), cpu, run_s=0.01)
    first, last = found.samples[0], found.samples[-1]
    assert found.joules == pytest.approx(found.seconds * (first.watts + last.watts) / 2)
    assert last.at_s - first.at_s == found.seconds >= 0.3
    assert len(found.samples) >= 4
    assert found.method == "integrated samples of its power"


def test_power_that_is_refused_once_is_unknown(cpu, metered, monkeypatch, world):
    monkeypatch.setattr(energy, "AT_LEAST_S", 0.05)
    monkeypatch.setattr(energy, "LEAD_S", 0.0)
    metered(Counter(world, has_counter=False, has_samples=True, given=[Sample(at_s=0.0)]))
    with pytest.raises(Unmetered, match="NVML refused 1 of "):
        energy_of(lambda: time.sleep(0.01), cpu, run_s=0.01)


def test_throttled_samples_are_counted_and_not_left_out():
    samples = (
        Sample(at_s=0.0, celsius=60, sm_mhz=1980, reasons=()),
        Sample(at_s=0.1, celsius=70, sm_mhz=1500, reasons=("sw_power_cap",)),
        Sample(at_s=0.2, celsius=90, sm_mhz=600, reasons=("hw_thermal_slowdown", "sw_power_cap")),
    )
    found = energy.Energy(joules=900.0, seconds=3.0, runs=10, scope="of it", method="it", samples=samples).settings()
    assert found["reasons"] == {"hw_thermal_slowdown": 1, "sw_power_cap": 2}
    assert (found["samples"], found["throttled_samples"]) == (3, 1)
    assert (found["watts"], found["celsius"], found["sm_mhz"]) == (300.0, [60, 70, 90], [600, 1500, 1980])
    assert found["memory_mhz"] == "unknown"


def test_what_no_sample_tells_is_unknown():
    found = energy.Energy(joules=1.0, seconds=1.0, runs=1, scope="", method="", samples=(Sample(at_s=0.0),)).settings()
    assert (found["reasons"], found["celsius"]) == ("unknown", "unknown")


def test_a_run_that_fails_leaves_no_thread(cpu, metered, monkeypatch, world):
    monkeypatch.setattr(energy, "LEAD_S", 0.0)
    metered(Counter(world, has_counter=False, has_samples=True))

    def is_sampled():
        return any(thread.name == "vitcnn-energy" for thread in threading.enumerate())

    def fails():
        time.sleep(0.01)
        if is_sampled():
            raise KeyError

    with pytest.raises(KeyError):
        energy_of(fails, cpu, run_s=0.01)
    assert not is_sampled()
