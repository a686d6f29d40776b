"""The estimate of a session holds the pass of the energy, where one can be made, and what other options add."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from record_builders import latency, run_of

from vitcnn import LatencyCase, MemoryCase
from vitcnn.device import energy
from vitcnn.device.meter import Unmetered
from vitcnn.durations import Estimate
from vitcnn.pytest_plugin import telling_time
from vitcnn.pytest_plugin.telling_time import TimeHooks
from vitcnn.record import CaseResult

LATENCY = LatencyCase(architecture="lenet", px=28, batch=1)
MEMORY = MemoryCase(architecture="lenet", px=28, batch=1, phase="inference")


def item(case):
    return SimpleNamespace(callspec=SimpleNamespace(params={"case": case}), nodeid=f"test[{case}]")


@pytest.fixture
def estimated(cpu, tmp_path, monkeypatch):
    """Return what estimates both cases after a run in which each took 6 s, 4.5 s of it for the energy of one."""

    def estimated(*, asked=False, metered=True, trace=None, count_instructions=False, crowded=""):
        def meter_of(_device):
            if not metered:
                raise Unmetered("there is no counter")

        monkeypatch.setattr(energy, "meter_of", meter_of)
        monkeypatch.setattr(TimeHooks, "_runs", lambda *_: True)
        monkeypatch.setattr(telling_time, "crowding", lambda device: crowded and f"Others use {device.name}.")
        options = SimpleNamespace(energy=asked, device=cpu, trace=trace, count_instructions=count_instructions)
        return TimeHooks(SimpleNamespace(rootpath=tmp_path), options).estimate_of([item(LATENCY), item(MEMORY)])

    record = latency("lenet", 0.001)
    record = replace(record, settings={**record.settings, "energy": {"pass_s": 4.5}})
    found = {LATENCY: record, MEMORY: None}
    results = [CaseResult(id=str(case), outcome="passed", record=found[case], wall_s=6.0) for case in found]
    run = run_of(*results, device_key=cpu.key)
    path = tmp_path / ".vitcnn" / "runs" / "20261121T08" / "run.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"vitcnn": run.to_json()}), encoding="utf-8")
    return estimated


@pytest.fixture
def seconds(estimated):
    return lambda **asked: dict(estimated(**asked).seconds)


def test_a_case_takes_as_much_longer_as_its_pass(seconds):
    assert seconds(asked=True) == {str(LATENCY): 1.5 + 4.0, str(MEMORY): 6.0}


def test_without_the_option_the_pass_of_an_earlier_run_is_left_out(seconds):
    assert seconds(asked=False) == {str(LATENCY): 1.5, str(MEMORY): 6.0}


def test_where_nothing_measures_energy_there_is_no_pass(seconds):
    assert seconds(asked=True, metered=False) == {str(LATENCY): 1.5, str(MEMORY): 6.0}


def test_traces_are_said_to_take_time_that_is_not_in_the_estimate(estimated):
    plain, traced = estimated().text, estimated(trace="runs").text
    assert plain == "2 cases take about 10 s, by the last run on this machine."
    assert traced == f"{plain} --trace takes further time, unless that run recorded traces too."


def test_a_busy_machine_is_said_beside_the_time_that_cases_take(estimated):
    plain, traced = estimated().text, estimated(trace="runs").text
    assert estimated(crowded=True).text == f"{plain} Others use cpu."
    assert estimated(crowded=True, trace="runs").text == f"{traced} Others use cpu."


def test_counting_instructions_is_counted_once_a_process(estimated):
    found = estimated(count_instructions=True)
    assert found.text == "2 cases take about 2 min, by the last run on this machine.", "7.5 s and 90 s"
    assert found.repeated(4) == "about 6 min", "30 s and 360 s"
    assert Estimate.from_json(found.to_json()) == found
