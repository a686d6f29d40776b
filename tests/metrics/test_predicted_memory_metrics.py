"""The metrics of predicted memory add up to their peak, and are the same on each run."""

from vitcnn import MemoryCase
from vitcnn.bench.models import step_subject
from vitcnn.bench.predicted_memory import predicted_peak
from vitcnn.bench.rounds import ONCE
from vitcnn.metrics import metrics

CASE = MemoryCase(architecture="lenet", px=28, batch=16, phase="training")
NAMES = [name for name in metrics() if name.startswith("predicted_")]


def values(cpu):
    subject = step_subject(CASE, cpu, ONCE)
    return {name: found.samples[0] for name in NAMES for found in metrics()[name].of(subject)}


def test_the_parts_are_the_peak_and_repeat(cpu):
    first = values(cpu)
    assert len(first) == 7
    assert first["predicted_peak_bytes"] == sum(first.values()) / 2
    predicted_peak.cache_clear()
    assert values(cpu) == first


def test_only_the_peak_is_judged():
    assert [name for name in NAMES if metrics()[name].rule != "unjudged"] == ["predicted_peak_bytes"]
    assert metrics()["predicted_peak_bytes"].rule == "counted"


def test_a_subject_without_a_prediction_has_none(cpu):
    subject = step_subject(CASE, cpu, ONCE)
    subject.predicted = lambda: None
    assert [metrics()[name].of(subject) for name in NAMES] == [[]] * len(NAMES)
    subject.predicted = None
    assert [metrics()[name].of(subject) for name in NAMES] == [[]] * len(NAMES)
