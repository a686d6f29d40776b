from dataclasses import replace

import pytest
from torch import nn

from vitcnn import LatencyCase
from vitcnn.architectures import architecture
from vitcnn.bench.subject import Subject
from vitcnn.errors import RecordError
from vitcnn.metrics import metrics
from vitcnn.spec import InputShape


def subject(cpu, *, images=1, times_s=(0.5, 0.25)):
    return Subject(
        case=LatencyCase(architecture="lenet", px=28, batch=images),
        architecture=architecture("lenet"),
        device=cpu,
        shape=InputShape(px=28, channels=1, num_classes=10),
        model=nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2, bias=False)),
        run=lambda: None,
        warm_up=lambda: (1, 1),
        images_per_run=images,
        settings={},
        times_s=times_s,
    )


@pytest.mark.parametrize("name", ["latency_s", "step_time_s", "frame_time_s", "training_time_s"])
def test_times_are_those_of_the_rounds(cpu, name):
    [measurement] = metrics()[name].of(subject(cpu))
    assert (measurement.metric, measurement.unit, measurement.samples) == (name, "s", (0.5, 0.25))


def test_images_a_second_by_hand(cpu):
    [measurement] = metrics()["images_per_s"].of(subject(cpu, images=8))
    assert measurement.samples == (16.0, 32.0)


def test_parameters_are_counted_one_by_one(cpu):
    [measurement] = metrics()["parameters"].of(subject(cpu))
    assert measurement.samples == (4 * 3 + 3 + 3 * 2,)


@pytest.mark.parametrize("name", ["event_time_s", "peak_allocated_bytes"])
def test_cuda_metrics_do_not_exist_on_a_cpu(cpu, name):
    assert metrics()[name].of(subject(cpu)) == []


def test_a_count_is_what_the_counting_pass_found_and_else_does_not_exist(cpu):
    counted = replace(subject(cpu), counts={"operators": 12})
    assert [m.samples for m in metrics()["operators"].of(counted)] == [(12,)]
    assert metrics()["graphs"].of(counted) == []


def test_a_time_that_is_not_finite_is_refused(cpu):
    with pytest.raises(RecordError, match="latency_s: samples must be finite"):
        metrics()["latency_s"].of(subject(cpu, times_s=(float("nan"),)))
