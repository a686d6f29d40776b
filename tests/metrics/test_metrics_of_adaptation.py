"""Metrics of what adapting takes, by hand on two layers, and of cases as they are measured."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from vitcnn import AdaptationCase, LatencyCase, MemoryCase
from vitcnn.architectures import architecture
from vitcnn.bench import Bench
from vitcnn.bench.subject import Subject
from vitcnn.bench.training_memory import TrainingMemory
from vitcnn.metrics import metrics
from vitcnn.questions import prepared
from vitcnn.recipes import recipes
from vitcnn.recipes.small import DIGITS_VIT
from vitcnn.spec import InputShape, Split
from vitcnn.tasks import Tasks, tasks
from vitcnn.tasks.digits import load_digits

FLOAT_BYTES = 4
WIDTH, BLOCKS, HEAD = 96, 2, 96 * 10 + 10
"""Of vit_micro."""

PARTS = TrainingMemory(
    num_trainable=7, weights_bytes=1, gradient_bytes=20, optimizer_bytes=300, saved_for_backward_bytes=4_000
)


def subject(cpu, **settings):
    return Subject(
        case=MemoryCase(architecture="lenet", px=28, batch=5, phase="training"),
        architecture=architecture("lenet"),
        device=cpu,
        shape=InputShape(px=28, channels=1, num_classes=10),
        model=nn.Linear(4, 3),
        run=lambda: None,
        warm_up=lambda: (1, 1),
        images_per_run=5,
        settings={},
        **settings,
    )


def values(given):
    """Return each metric of a step's memory and merging that there is."""
    chosen = [metric for metric in metrics().values() if metric.reads in ("training memory", "merging")]
    return {metric.name: [*of.samples] for metric in chosen for of in metric.of(given)}


def test_each_part_and_their_sum(cpu):
    given = subject(cpu, training_memory=lambda: PARTS)
    assert values(given) == {
        "trainable_parameters": [7],
        "weights_bytes": [1],
        "gradient_bytes": [20],
        "optimizer_bytes": [300],
        "saved_for_backward_bytes": [4_000],
        "training_memory_bytes": [4_321],
    }


def test_of_an_adaptation_also_what_is_stored(cpu):
    parts = replace(PARTS, adapter_bytes=5, peft_bytes=6, features_bytes=0)
    found = values(subject(cpu, training_memory=lambda: parts))
    stored = ("adapter_bytes", "peft_bytes", "features_bytes", "training_memory_bytes")
    assert [found[name] for name in stored] == [[5], [6], [0], [4_321]]


def test_where_nothing_trains_and_nothing_merges_there_are_none(cpu):
    assert values(subject(cpu)) == {}


def test_merging_is_timed_on_a_fresh_model_each_time_and_the_first_does_not_count(cpu):
    fresh = []

    def merging():
        fresh.append("made")
        return lambda: fresh.append("merged")

    found = values(subject(cpu, merging=merging))
    assert fresh == ["made", "merged"] * 4
    assert len(found["merge_time_s"]) == 3
    assert min(found["merge_time_s"]) > 0


def bench(cpu):
    return Bench(device=cpu, tasks=Tasks(Path("unused")), progress=lambda *_told: None)


def of_case(cpu, case):
    return values(prepared(case, bench(cpu)))


MEMORY = MemoryCase(architecture="vit_micro", px=28, batch=3, phase="training")
ENTRIES = {"head": HEAD, "lora2_qv": HEAD + BLOCKS * 4 * 2 * WIDTH}


@pytest.mark.parametrize("how", ["head", "lora2_qv"])
def test_the_memory_of_an_adapted_step_by_hand(cpu, how):
    full, found = of_case(cpu, MEMORY), of_case(cpu, replace(MEMORY, adaptation=how))
    updates = BLOCKS * 4 * 2 * WIDTH if how == "lora2_qv" else 0
    numbers = HEAD + updates
    assert found["trainable_parameters"] == [numbers]
    assert found["gradient_bytes"] == found["adapter_bytes"] == [FLOAT_BYTES * numbers]
    tensors = 2 + (2 * BLOCKS if updates else 0)
    assert found["optimizer_bytes"] == [FLOAT_BYTES * (2 * numbers + tensors)], "two moments, and a count a tensor"
    assert found["weights_bytes"] == [full["weights_bytes"][0] + FLOAT_BYTES * updates]
    assert found["saved_for_backward_bytes"] < full["saved_for_backward_bytes"]
    assert found["training_memory_bytes"] < full["training_memory_bytes"]
    peft = [FLOAT_BYTES * (HEAD + BLOCKS * (2 * 2 * WIDTH + 3 * WIDTH * 2 * 2))] if updates else None
    assert found.get("peft_bytes") == peft
    assert "adapter_bytes" not in full


def test_an_answer_of_lora_can_be_merged_and_a_merged_one_has_been(cpu):
    case = LatencyCase(architecture="vit_micro", px=28, batch=2, adaptation="lora2_qv")
    assert set(of_case(cpu, case)) == {"merge_time_s"}
    assert of_case(cpu, replace(case, merged=True)) == {}
    assert of_case(cpu, replace(case, adaptation="full")) == {}
    assert of_case(cpu, replace(MEMORY, phase="inference", adaptation="head")) == {}


def test_a_merged_model_answers_as_the_one_that_is_not(cpu):
    case = LatencyCase(architecture="vit_micro", px=28, batch=2, adaptation="lora2_qv")
    beside, merged = (prepared(replace(case, merged=value), bench(cpu)) for value in (False, True))
    torch.testing.assert_close(beside.run(), merged.run(), atol=1e-5, rtol=0)
    assert beside.settings["num_trainable"] == merged.settings["num_trainable"] == ENTRIES["lora2_qv"]
    plain = prepared(replace(case, adaptation="full"), bench(cpu))
    assert plain.settings["num_parameters"] == beside.settings["num_parameters"]
    assert "num_trainable" not in plain.settings


BATCH, COUNT = 32, 100


@pytest.fixture
def few_digits(monkeypatch):
    def load(*_unused):
        digits = load_digits()
        return replace(digits, train=Split(images=digits.train.images[:COUNT], labels=digits.train.labels[:COUNT]))

    monkeypatch.setitem(recipes(), "toy", replace(DIGITS_VIT, name="toy", epochs=1, batch=BATCH, augmentation=()))
    monkeypatch.setitem(tasks(), "few_digits", replace(tasks()["digits"], name="few_digits", loader=load))


@pytest.mark.parametrize("how", ["full", "head", "head_views3", "lora2_qv"])
def test_the_memory_of_a_pretrained_models_training(cpu, few_digits, how):
    case = AdaptationCase(architecture="vit_micro", task="few_digits", recipe="toy", adaptation=how)
    found = of_case(cpu, case)
    plain = sum(parameter.numel() for parameter in architecture("vit_micro").build(SHAPE).parameters())
    if how == "full":
        assert found["trainable_parameters"] == [plain]
        assert "features_bytes" not in found
    elif how == "lora2_qv":
        assert found["trainable_parameters"] == [ENTRIES[how]]
        assert "features_bytes" not in found
    else:
        views = 3 if how == "head_views3" else 1
        assert found["trainable_parameters"] == [HEAD]
        assert found["weights_bytes"] == [FLOAT_BYTES * plain], "the frozen ones too"
        assert found["features_bytes"] == [FLOAT_BYTES * views * COUNT * WIDTH]
        assert found["saved_for_backward_bytes"][0] < FLOAT_BYTES * BATCH * 4 * WIDTH, "features, and no activations"


SHAPE = InputShape(px=28, channels=1, num_classes=10)
