import time

from vitcnn.device import Device, busy
from vitcnn.device.busy import watch_processor


def watched(device, monkeypatch, *, wall, used):
    clocks = {"perf_counter": iter((10.0, 10.0 + wall)), "process_time": iter((3.0, 3.0 + used))}
    for name, readings in clocks.items():
        monkeypatch.setattr(busy.time, name, readings.__next__)
    with watch_processor(device) as settings:
        pass
    return settings


def test_processor_time_is_set_beside_the_clock(cpu, monkeypatch):
    assert watched(cpu, monkeypatch, wall=2.0, used=3.8) == {"cpus": 1.9}


def test_nothing_is_said_of_moments_or_of_a_gpu(cpu, monkeypatch):
    assert watched(cpu, monkeypatch, wall=0.05, used=0.05) == {}
    assert watched(Device(name="cuda:0", key="gpu"), monkeypatch, wall=2.0, used=1.0) == {}


def test_who_sleeps_gets_nothing(cpu):
    with watch_processor(cpu) as settings:
        time.sleep(0.15)
    assert settings["cpus"] < 0.5
