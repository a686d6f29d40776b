from dataclasses import replace

import pytest
from torch import nn

from vitcnn import LatencyCase
from vitcnn.architectures import architecture
from vitcnn.bench.subject import Subject
from vitcnn.errors import RecordError
from vitcnn.metrics import metrics
from vitcnn.questions import metrics_of, questions
from vitcnn.spec import InputShape

NAMES = {
    "accuracy": [
        "best_epoch_accuracy",
        "f1_weighted",
        "first_call_time_s",
        "images_per_s",
        "matmul_flops_per_s",
        "model_flop_utilisation",
        "roc_auc_macro",
        "roc_auc_micro",
        "test_accuracy",
        "time_to_accuracy_s",
        "training_time_s",
    ],
    "data_efficiency": [
        "f1_weighted",
        "first_call_time_s",
        "images_per_s",
        "matmul_flops_per_s",
        "model_flop_utilisation",
        "roc_auc_macro",
        "roc_auc_micro",
        "test_accuracy",
    ],
    "robustness": ["mean_relative_accuracy"],
    "training": [
        "images_per_s",
        "matmul_flops_per_s",
        "model_flop_utilisation",
        "peak_allocated_bytes",
        "step_time_s",
    ],
    "latency": ["event_time_s", "images_per_s", "latency_s", "peak_allocated_bytes"],
    "tiled": ["frame_time_s", "peak_allocated_bytes"],
    "memory": ["macs", "parameters", "peak_allocated_bytes", "saved_for_backward_bytes"],
}
OF_A_RUN = ["allocated_bytes", "graph_breaks", "graphs", "kernels", "operators", "synchronisations"]
for question, names in NAMES.items():
    more = {"memory": ["allocated_bytes"], "latency": [*OF_A_RUN, "instructions"]}.get(question, OF_A_RUN)
    names[:] = sorted([*names, *more])
HIGHER_IS_BETTER = {
    "best_epoch_accuracy",
    "f1_weighted",
    "images_per_s",
    "matmul_flops_per_s",
    "mean_relative_accuracy",
    "model_flop_utilisation",
    "roc_auc_macro",
    "roc_auc_micro",
    "test_accuracy",
}
COUNTED = {"macs", "parameters", "saved_for_backward_bytes", *OF_A_RUN}
TIMES = {
    "event_time_s",
    "first_call_time_s",
    "frame_time_s",
    "images_per_s",
    "latency_s",
    "matmul_flops_per_s",
    "model_flop_utilisation",
    "step_time_s",
    "time_to_accuracy_s",
    "training_time_s",
}
JUDGED = {
    **dict.fromkeys([*OF_A_RUN, "instructions"], "counted"),
    "event_time_s": "time",
    "frame_time_s": "time",
    "latency_s": "time",
    "macs": "exact",
    "mean_relative_accuracy": "score",
    "parameters": "exact",
    "peak_allocated_bytes": "amount",
    "saved_for_backward_bytes": "exact",
    "step_time_s": "time",
    "test_accuracy": "score",
    "training_time_s": "time",
}
"""What the gate judges, and how; the rest restates these, or is not the code's."""


def subject(cpu, *, tolerance=0.02, images=1, times_s=(0.5, 0.25)):
    case = LatencyCase(architecture="lenet", px=28, batch=images, time_tolerance=tolerance)
    return Subject(
        case=case,
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


@pytest.mark.parametrize("question, names", NAMES.items())
def test_metrics_of_each_question(question, names):
    assert [metric.name for metric in metrics_of(questions()[question])] == names


def test_every_metric_belongs_to_a_question_and_has_its_direction_and_unit():
    assert {name for names in NAMES.values() for name in names} == set(metrics())
    for name, metric in metrics().items():
        assert metric.name == name
        assert metric.better == ("higher" if name in HIGHER_IS_BETTER else "lower")
        assert metric.unit


def test_what_restates_another_metric_is_not_judged():
    assert {name: metric.rule for name, metric in metrics().items() if metric.rule != "unjudged"} == JUDGED


@pytest.mark.parametrize("name", NAMES["latency"] + NAMES["memory"] + NAMES["accuracy"])
def test_tolerance_is_the_cases_for_times_and_none_for_counts(cpu, name):
    tolerance = metrics()[name].tolerance(subject(cpu, tolerance=0.125).case)
    assert tolerance == (
        0.125 if name in TIMES else 0.0 if name in COUNTED else 0.003 if name == "instructions" else 0.01
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
