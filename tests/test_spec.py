import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from miniature import imported_by

from vitcnn import AccuracyCase, Architecture, LatencyCase, MemoryCase, Takes, TiledCase, TrainingCase
from vitcnn.errors import UnsupportedResolution, UserError
from vitcnn.spec import Case, InputShape

IDS = [
    (LatencyCase(architecture="resnet18", px=224, batch=1), "latency/resnet18/224/b1/fp32/eager"),
    (
        LatencyCase(architecture="resnet50", px=224, batch=1, precision="bf16", mode="compiled"),
        "latency/resnet50/224/b1/bf16/compiled",
    ),
    (TrainingCase(architecture="lenet", px=28, batch=16), "training/lenet/28/b16/fp32/eager"),
    (
        MemoryCase(architecture="vit_tiny", px=32, batch=4, phase="training"),
        "memory/vit_tiny/32/b4/training/fp32/eager",
    ),
    (
        MemoryCase(architecture="vit_tiny", px=32, batch=4, phase="training", adaptation="lora16_qv"),
        "memory/vit_tiny/32/b4/training/lora16_qv/fp32/eager",
    ),
    (
        TrainingCase(architecture="lenet", px=28, batch=16, adaptation="head"),
        "training/lenet/28/b16/head/fp32/eager",
    ),
    (
        LatencyCase(architecture="vit_tiny", px=224, batch=1, adaptation="lora4_qkv_alpha4"),
        "latency/vit_tiny/224/b1/lora4_qkv_alpha4/fp32/eager",
    ),
    (
        LatencyCase(architecture="vit_tiny", px=224, batch=1, adaptation="lora4_qv", merged=True),
        "latency/vit_tiny/224/b1/lora4_qv/merged/fp32/eager",
    ),
    (TiledCase(architecture="resnet18", batch=5), "tiled/resnet18/3840x2160/t512/o10/b5/fp32/eager"),
    (
        AccuracyCase(architecture="vit_micro", task="digits", recipe="digits_vit", precision="bf16"),
        "accuracy/vit_micro/digits/digits_vit/bf16/eager",
    ),
]


@pytest.mark.parametrize("case, name", IDS, ids=[name for _, name in IDS])
def test_id_of_a_case(case, name):
    assert str(case) == name


@pytest.mark.parametrize("case, name", IDS, ids=[name for _, name in IDS])
def test_id_begins_with_the_question(case, name):
    assert name.split("/")[0] == case.question


overlaps = st.integers(0, 95).map(lambda percent: percent / 100)
batch_cases = st.builds(
    LatencyCase,
    architecture=st.sampled_from(["lenet", "vit_tiny"]),
    px=st.sampled_from([28, 32, 224]),
    batch=st.integers(1, 99),
    precision=st.sampled_from(["fp32", "bf16"]),
    mode=st.sampled_from(["eager", "compiled"]),
    adaptation=st.sampled_from(["full", "head", "lora1_qv", "lora16_qv"]),
)
merged_cases = st.builds(
    LatencyCase,
    architecture=st.just("vit_tiny"),
    px=st.just(224),
    batch=st.integers(1, 2),
    adaptation=st.sampled_from(["lora1_qv", "lora16_qv"]),
    merged=st.booleans(),
)
tiled_cases = st.builds(
    TiledCase,
    architecture=st.just("lenet"),
    width=st.integers(500, 510),
    height=st.integers(500, 510),
    tile_px=st.integers(100, 110),
    overlap=overlaps,
    batch=st.integers(1, 3),
)


@given(*[st.one_of(batch_cases, merged_cases, tiled_cases)] * 2)
def test_ids_are_equal_exactly_where_cases_are(one, other):
    assert (str(one) == str(other)) == (one == other)


@pytest.mark.parametrize("name", ["full", "head"])
def test_only_lora_can_be_merged(name):
    with pytest.raises(UserError, match=f"merged: True cannot be used. Allowed: False with {name}"):
        LatencyCase(architecture="vit_tiny", px=224, batch=1, adaptation=name, merged=True)


@pytest.mark.parametrize("kind", [LatencyCase, TrainingCase])
def test_an_adaptation_that_is_none_is_refused(kind):
    with pytest.raises(UserError, match="adaptation: 'lora_qv' cannot be used"):
        kind(architecture="vit_tiny", px=224, batch=1, adaptation="lora_qv")


def test_tiled_cases_of_different_overlap_have_different_ids():
    coarse, fine = (TiledCase(architecture="lenet", batch=1, overlap=overlap) for overlap in (0.12, 0.125))
    assert str(coarse) != str(fine)


def test_preset_and_tolerance_are_not_part_of_what_is_measured():
    case = LatencyCase(architecture="lenet", px=28, batch=1)
    other = dataclasses.replace(case, preset="full", time_tolerance=0.5)
    assert (other, str(other), hash(other)) == (case, str(case), hash(case))


@pytest.mark.parametrize("kind", Case.__subclasses__())
def test_cases_are_frozen_and_keyword_only(kind):
    assert kind.__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(kind))


def test_input_px_of_each_question():
    assert [case.input_px for case, _ in IDS] == [224, 224, 28, 32, 32, 28, 224, 224, 512, None]


SEQUENCE = "sequence of images"


def toy_architecture(built):
    return Architecture(
        name="toy", family="cnn", resolutions={224: 224, 28: 64}, builder=built.append, published=None, source="none"
    )


def test_architecture_is_built_for_the_resolution_it_works_at():
    built = []
    toy_architecture(built).build(InputShape(px=28, channels=1, num_classes=7))
    assert built == [InputShape(px=64, channels=1, num_classes=7)]


def test_unsupported_resolution_names_the_architecture_the_choice_and_the_way_out():
    with pytest.raises(UnsupportedResolution) as caught:
        toy_architecture([]).build(InputShape(px=96, channels=1, num_classes=7))
    assert str(caught.value) == (
        "toy takes 28, 224 px, not 96 px: its resolutions are stated one by one. "
        "Choose a size that it takes, or another architecture"
    )


def test_a_rule_and_a_list_beside_it_are_refused():
    with pytest.raises(UserError, match=r"^resolutions of toy: .* Allowed: takes or resolutions, but not both\."):
        dataclasses.replace(toy_architecture([]), takes=Takes(at_least_px=28))


def test_what_takes_sequences_is_given_no_single_images():
    entry = dataclasses.replace(toy_architecture([]), resolutions={}, takes=Takes(at_least_px=28, kind=SEQUENCE))
    assert entry.accepts(28, SEQUENCE)
    assert entry.refusal(28) == "toy takes a sequence of images as one input, not an image"


LIGHT = (
    "vitcnn",
    "vitcnn.gate.judge",
    "vitcnn.gate.comparison",
    "vitcnn.questions",
    "vitcnn.report.terminal",
    "vitcnn.report.plots",
    "vitcnn.record",
    "vitcnn.pytest_plugin.journal",
    "vitcnn.recipes",
    "vitcnn.architectures",
    "vitcnn.tasks",
    "vitcnn.metrics",
    "vitcnn.pytest_plugin",
    "vitcnn.measuring.own_benchmark",
    "vitcnn.measuring.accounting",
    "vitcnn.measuring.stopwatch",
    "vitcnn.report.export",
    "vitcnn.commands.table",
)
WALK_AND_TIME = """
from vitcnn import architectures, metrics, questions, tasks
from vitcnn.measuring import own_benchmark
from vitcnn.device import Device
architectures.architectures(), tasks.tasks(), metrics.metrics(), questions.questions()
own = own_benchmark.OwnBenchmark(id="own", architecture="", run=lambda: None, images=1)
own.measure(device=Device(name="cpu", key="x"), stopwatch=lambda run, *, rounds, calls: (0.5,) * rounds)
"""


def test_reporting_and_the_catalogue_start_without_torch():
    code = f"import {', '.join(LIGHT)}\n{WALK_AND_TIME}"
    assert imported_by(code, "torch", "timm", "peft") == set()


WRONG = [
    ("precision", "fp99", "fp32"),
    ("mode", "turbo", "compiled"),
    ("preset", "tiny", "standard"),
    ("phase", "sleeping", "training"),
    ("px", 0, "whole numbers from 1"),
    ("batch", -1, "whole numbers from 1"),
    ("batch", 2.5, "whole numbers from 1"),
    ("px", True, "whole numbers from 1"),
]


@pytest.mark.parametrize("field, value, allowed", WRONG)
def test_a_wrong_value_is_refused_with_its_field_and_what_is_allowed(field, value, allowed):
    right = {"architecture": "lenet", "px": 28, "batch": 1, "phase": "training"}
    with pytest.raises(UserError) as refused:
        MemoryCase(**{**right, field: value})
    assert str(refused.value).startswith(f"{field}: {value!r} cannot be used.")
    assert allowed in str(refused.value)
