"""Energy is measured with --energy alone, and never while a round is timed."""

from pathlib import Path

import pytest

from vitcnn import LatencyCase, MemoryCase
from vitcnn.bench import Bench
from vitcnn.device import energy
from vitcnn.device.energy import Energy
from vitcnn.device.meter import Unmetered
from vitcnn.measuring import runner
from vitcnn.tasks import Tasks

LATENCY = LatencyCase(architecture="lenet", px=28, batch=2)


@pytest.fixture
def noted():
    return []


def measured(case, cpu, noted, *, asked):
    def stopwatch(run, *, rounds, calls, before_round=None, after_round=None):
        noted.append("timing")
        run()
        noted.append("timed")
        return (0.5,)

    bench = Bench(device=cpu, tasks=Tasks(Path("unused")), progress=lambda *_told: None, energy=asked)
    return runner.measure(case, bench=bench, stopwatch=stopwatch, floor_bytes=0)


def fake(noted):
    def energy_of(run, _device, *, run_s):
        noted.append("energy")
        assert run_s == 0.5
        run()
        return Energy(joules=60.0, seconds=3.0, runs=10, scope="of it", method="it", samples=())

    return energy_of


def test_without_the_option_nothing_is_asked(cpu, noted, monkeypatch):
    monkeypatch.setattr(runner, "energy_of", fake(noted))
    monkeypatch.setattr(energy, "meter_of", lambda _device: noted.append("meter"))
    record = measured(LATENCY, cpu, noted, asked=False)
    assert noted == ["timing", "timed"]
    assert "energy" not in record.settings
    assert record.samples("joules_per_image") == ()


def test_with_it_a_pass_of_its_own_follows_the_rounds(cpu, noted, monkeypatch):
    monkeypatch.setattr(runner, "energy_of", fake(noted))
    record = measured(LATENCY, cpu, noted, asked=True)
    assert noted == ["timing", "timed", "energy"]
    assert record.samples("joules_per_image") == (3.0,)
    assert (record.settings["energy"]["watts"], record.settings["energy"]["runs"]) == (20.0, 10)
    assert 0 <= record.settings["energy"]["pass_s"] < 3, "of the clock on the wall, not of what the stand-in says"


def test_a_record_says_what_binds_its_case_and_by_which_shares(cpu, noted):
    bound = measured(LATENCY, cpu, noted, asked=False).settings["bound"]
    assert bound["by"] == "unclear", "half a second is far more than anything needs"
    assert set(bound["shares"]) == {"compute", "bandwidth", "launch"}
    assert all(0 < share < 0.25 for share in bound["shares"].values())


def test_a_case_that_is_no_run_to_repeat_has_none(cpu, noted, monkeypatch):
    monkeypatch.setattr(runner, "energy_of", fake(noted))
    record = measured(MemoryCase(architecture="lenet", px=28, batch=2, phase="inference"), cpu, noted, asked=True)
    assert "energy" not in noted
    assert "energy" not in record.settings


def test_what_is_unknown_says_why_and_the_rest_is_measured(cpu, noted, monkeypatch):
    def refuses(_device):
        raise Unmetered("the kernel lets root alone read it")

    monkeypatch.setattr(energy, "meter_of", refuses)
    record = measured(LATENCY, cpu, noted, asked=True)
    assert record.settings["energy"] == {"unknown": "the kernel lets root alone read it"}
    assert record.samples("joules_per_image") == ()
    assert record.samples("latency_s") == (0.5,)
