"""The metrics of the roofline and of energy, by hand on a subject whose ceilings and counts are made up."""

from dataclasses import replace

import pytest
from torch import nn

from vitcnn import LatencyCase
from vitcnn.architectures import architecture
from vitcnn.bench.subject import Subject
from vitcnn.device import Device, kernels
from vitcnn.device.energy import Energy
from vitcnn.metrics import metrics, roofline
from vitcnn.metrics.arithmetic import macs
from vitcnn.spec import InputShape

SHAPE = InputShape(px=28, channels=1, num_classes=10)
LENET = architecture("lenet")
CUDA = Device(name="cuda:0", key="gpu")


def subject(cpu, **more):
    return Subject(
        case=LatencyCase(architecture="lenet", px=28, batch=4),
        architecture=LENET,
        device=cpu,
        shape=SHAPE,
        model=nn.Linear(1, 1),
        run=lambda: None,
        warm_up=lambda: (1, 1),
        images_per_run=4,
        settings={},
        forwards_per_run=4,
        **{"times_s": (0.5, 0.25), "counts": {"traffic_bytes": 1000, "operators": 30}, **more},
    )


def samples(name, of):
    return [tuple(found.samples) for found in metrics()[name].of(of)]


def test_flops_and_bytes_of_a_run_and_a_second(cpu):
    flops = 2 * macs(LENET, SHAPE) * 4
    assert samples("flops", subject(cpu)) == [(flops,)]
    assert samples("flops_per_s", subject(cpu)) == [(flops / 0.375,)], "of the median of 0.5 and 0.25 s"
    assert samples("traffic_bytes", subject(cpu)) == [(1000,)]
    assert samples("bytes_per_s", subject(cpu)) == [(1000 / 0.375,)]


def test_the_share_of_a_copy(cpu, monkeypatch):
    monkeypatch.setattr("vitcnn.device.copying.copy_bytes_per_s", lambda _device: 16_000.0)
    assert samples("copy_bytes_per_s", subject(cpu)) == [(16_000.0,)]
    assert samples("bandwidth_utilisation", subject(cpu)) == [(1000 / 0.375 / 16_000,)]


def test_a_compiled_case_has_no_rate_of_bytes_and_no_estimate_of_dispatch(cpu):
    compiled = subject(cpu)
    compiled.case = replace(compiled.case, mode="compiled")
    assert samples("bytes_per_s", compiled) == samples("bandwidth_utilisation", compiled) == []
    assert samples("dispatch_time_s", compiled) == []
    assert samples("traffic_bytes", compiled) == [(1000,)]


def test_the_estimate_of_dispatch_is_the_operators_times_their_cost(cpu, monkeypatch):
    costs = {False: 2e-6, True: 3e-6}
    monkeypatch.setattr("vitcnn.device.dispatch.operator_cost_s", lambda _device, trains: costs[trains])
    assert samples("dispatch_time_s", subject(cpu)) == [(pytest.approx(60e-6),)]
    step = subject(cpu)
    step.forwards_per_run = None
    assert samples("dispatch_time_s", step) == [(pytest.approx(90e-6),)]
    assert samples("dispatch_time_s", subject(CUDA)) == []


def test_busy_time_is_of_cuda_alone_and_unknown_where_no_kernel_is_seen(cpu, monkeypatch):
    assert samples("busy_time_s", subject(cpu)) == []
    monkeypatch.setattr(kernels, "busy_time_s", lambda _device, _run: 0.125)
    assert samples("busy_time_s", subject(CUDA)) == [(0.125,)]
    monkeypatch.setattr(kernels, "busy_time_s", lambda _device, _run: None)
    assert samples("busy_time_s", subject(CUDA)) == []


def test_joules_of_an_image(cpu):
    energy = Energy(joules=600.0, seconds=3.0, runs=50, scope="", method="", samples=())
    assert samples("joules_per_image", subject(cpu, energy=energy)) == [(3.0,)]
    assert samples("joules_per_image", subject(cpu)) == []


def test_only_counts_are_judged():
    rules = {name: entry.rule for name, entry in metrics().items() if entry.reads in ("traffic", "roofline")}
    judged = {name: rule for name, rule in rules.items() if rule != "unjudged"}
    assert judged == {"flops": "exact", "traffic_bytes": "counted"}
    assert roofline.TRAFFIC in judged
