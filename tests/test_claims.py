"""Claims against the catalogue, the suite and what the sources state."""

from pathlib import Path

import pytest

from vitcnn import AccuracyCase, AdaptationCase, DataEfficiencyCase
from vitcnn.architectures import architectures
from vitcnn.claims import claims
from vitcnn.metrics import metrics
from vitcnn.questions import questions
from vitcnn.recipes import recipe
from vitcnn.suite import cases_in
from vitcnn.tasks import tasks

EVERY = cases_in(Path(__file__).parents[1] / "benchmarks")
EACH = pytest.mark.parametrize(
    "claim", claims(), ids=lambda claim: f"{claim.recipe or claim.question}-{claim.architecture}"
)
IN_STUDY_E = [claim for claim in claims() if claim.study == "E"]


def figures(name):
    (claim,) = (claim for claim in claims() if claim.recipe == name)
    return {figure.metric: figure.value for figure in claim.figures}


@EACH
def test_setting_exists_and_the_suite_repeats_it_in_no_small_preset(claim):
    assert claim.architecture in architectures()
    presets = {case.preset for case in EVERY if claim.setting_of(str(case)) == claim.settings[0]}
    if claim.trains:
        assert recipe(claim.recipe).name == claim.recipe
        assert claim.task in tasks()
        assert presets == {"full"}
    else:
        assert presets
        assert "smoke" not in presets


@EACH
def test_variants_are_of_the_suite_too_and_say_in_what_they_differ(claim):
    for setting in claim.variants:
        assert setting.label
        assert setting.notes
        assert any(claim.setting_of(str(case)) == setting for case in EVERY), setting


@EACH
def test_figures_are_of_our_metrics_in_their_units(claim):
    for figure in claim.figures:
        metric = metrics()[figure.metric]
        assert figure.unit == metric.unit
        assert metric.reads in questions()[claim.question].provides
        assert 0 < figure.value <= (1 if figure.unit == "1" else float("inf"))


@EACH
def test_whatever_is_published_has_its_source_and_hardware(claim):
    assert bool(claim.figures) == bool(claim.source) == bool(claim.hardware)
    assert claim.note


@EACH
def test_classes_are_the_tasks_own(claim):
    assert not claim.class_accuracies or tuple(claim.class_accuracies) == tasks()[claim.task].classes


def test_no_setting_has_two_claims():
    settings = [
        (one.architecture, one.task, one.recipe, one.adaptation, one.axes)
        for claim in claims()
        for one in claim.settings
    ]
    assert len(set(settings)) == len(settings) == 43


def test_figures_are_those_of_the_sources():
    assert figures("study_a_vit") == {"test_accuracy": 0.981, "training_time_s": 441.03}
    assert figures("study_a_cnn") == {"test_accuracy": 0.915, "training_time_s": 3.76}
    assert figures("study_c_vit") == {"best_epoch_accuracy": 0.8699, "training_time_s": 2640}
    assert figures("study_c_cnn") == {"best_epoch_accuracy": 0.9343, "training_time_s": 900}
    assert figures("cifar_speedrun_cnn") == {"test_accuracy": 0.9401, "training_time_s": 2.59}
    assert figures("cifar_speedrun_vit") == {}


def test_study_d_is_a_frame_of_each_of_two_models_and_a_stream_of_an_unnamed_one():
    found = {
        claim.architecture: ({f.metric: f.value for f in claim.figures}, claim.hardware)
        for claim in claims()
        if claim.study == "D"
    }
    assert found == {
        "vit_large": ({"frame_time_s": 2.1, "peak_allocated_bytes": 24e9}, "one A100"),
        "resnet152": ({"frame_time_s": 0.3, "peak_allocated_bytes": 8e9}, "one V100"),
        "resnet50": ({"frames_per_s": 45}, "one A100"),
    }


def test_study_e_has_four_rows_each_beside_the_published_and_the_corrected_case_on_three_sets_of_digits():
    rows = {claim.architecture: tuple((f.value, f.unit) for f in claim.figures) for claim in IN_STUDY_E}
    assert rows == {
        "sum_fc_published": ((1.69, "digit²"), (0.27, "1")),
        "sum_transformer_published": ((1.18, "digit²"), (0.66, "1")),
        "anchor_fc_published": ((0.64, "nat"), (0.77, "1")),
        "anchor_transformer_published": ((0.12, "nat"), (0.92, "1")),
    }
    transformer = next(claim for claim in IN_STUDY_E if claim.architecture == "sum_transformer_published")
    assert [f"{one.architecture}/{one.task}/{one.recipe}" for one in transformer.settings] == [
        "sum_transformer_published/digit_sum_published_mnist/study_e",
        "sum_transformer_published/digit_sum_published_glyphs/study_e",
        "sum_transformer_published/digit_sum_published_digits/study_e",
        "sum_transformer/digit_sum_mnist/many_sequences_vit",
        "sum_transformer/digit_sum_glyphs/many_sequences_vit",
        "sum_transformer/digit_sum_digits/sequences_vit",
    ]


@pytest.mark.parametrize(
    "case, label",
    [
        ("sequences/anchor_fc/digit_anchor_digits/sequences_cnn/fp32/eager", ("on digits", "corrected")),
        (
            "sequences/anchor_fc_published/digit_anchor_published_glyphs/study_e/s5/bf16/eager",
            ("on glyphs", "as published"),
        ),
        ("sequences/anchor_fc_published/digit_anchor_published_mnist/study_e/fp32/eager", ()),
        ("sequences/anchor_fc/digit_anchor_digits/study_e/fp32/eager", None),
        ("accuracy/anchor_fc/digit_anchor_digits/sequences_cnn/fp32/eager", None),
    ],
)
def test_the_setting_of_a_case_of_sequences(case, label):
    found = [setting.label for claim in claims() if (setting := claim.setting_of(case))]
    assert found == ([] if label is None else [label])


def test_study_c_says_where_its_accuracies_by_class_contradict_the_one_over_all():
    """CIFAR-10's test part has 1,000 images of each class: the accuracy is the mean over the classes."""
    (claim,) = (claim for claim in claims() if claim.class_accuracies)
    assert sum(claim.class_accuracies.values()) / 10 == pytest.approx(0.8670)
    assert "86.70 %" in claim.note


@pytest.mark.parametrize(
    "change",
    [
        {"task": "digits"},
        {"task": "shapes"},
        {"architecture": "vit_small"},
        {"recipe": "study_c_vit2"},
        {"recipe": "photos_deep_vit"},
    ],
)
def test_a_case_of_another_setting_repeats_nothing(change):
    same = {"architecture": "vit_tiny", "task": "cifar10", "recipe": "study_c_vit"}
    repeated = [claim for claim in claims() if claim.is_repeated_by(str(AccuracyCase(**same)))]
    assert [claim.recipe for claim in repeated] == ["study_c_vit"]
    assert not any(claim.is_repeated_by(str(AccuracyCase(**{**same, **change}))) for claim in claims())
    few = DataEfficiencyCase(**same, num_train=100)
    assert not any(claim.is_repeated_by(str(few)) for claim in claims())


def test_precision_mode_and_seeds_are_free():
    (claim,) = (claim for claim in claims() if claim.recipe == "study_a_cnn")
    case = AccuracyCase(
        architecture="lenet", task="mnist_subset", recipe="study_a_cnn", precision="bf16", mode="compiled", num_seeds=5
    )
    assert claim.is_repeated_by(str(case))


STUDY_B = {
    ("vit_base", "mnist"): (0.9912, 0.9912, 1.0000, 1.0000),
    ("resnet50", "mnist"): (0.9902, 0.9902, 0.9999, 0.9999),
    ("efficientnet_b0", "mnist"): (0.9882, 0.9882, 0.9999, 0.9999),
    ("vit_base", "fashion_mnist"): (0.9501, 0.9500, 0.9982, 0.9982),
    ("efficientnet_b0", "fashion_mnist"): (0.9231, 0.9229, 0.9960, 0.9960),
    ("resnet50", "fashion_mnist"): (0.9202, 0.9201, 0.9953, 0.9953),
    ("vit_base", "cifar10"): (0.9729, 0.9729, 0.9992, 0.9992),
    ("resnet50", "cifar10"): (0.8341, 0.8336, 0.9859, 0.9858),
    ("efficientnet_b0", "cifar10"): (0.8048, 0.8038, 0.9806, 0.9805),
}
"""Accuracy, weighted F1, and area under the ROC curve, micro and macro, as the preprint's table has them."""

ADAPTED = {"vit_base": "lora16_qv", "resnet50": "head_views5", "efficientnet_b0": "head_views5"}


def test_study_b_has_nine_cells_with_the_published_figures():
    metrics_of_table = ("test_accuracy", "f1_weighted", "roc_auc_micro", "roc_auc_macro")
    found = {
        (claim.architecture, claim.task): {figure.metric: figure.value for figure in claim.figures}
        for claim in claims()
        if claim.study == "B"
    }
    assert found == {cell: dict(zip(metrics_of_table, values, strict=True)) for cell, values in STUDY_B.items()}
    assert {(one.architecture, one.adaptation) for one in claims() if one.study == "B"} == set(ADAPTED.items())


@pytest.mark.parametrize("architecture, task", STUDY_B)
def test_each_cell_of_study_b_is_repeated_by_two_cases_of_the_suite(architecture, task):
    (claim,) = (one for one in claims() if one.study == "B" and (one.architecture, one.task) == (architecture, task))
    repeating = {str(case) for case in EVERY if claim.is_repeated_by(str(case))}
    case = f"adaptation/{architecture}/{task}/study_b/{ADAPTED[architecture]}/bf16"
    assert repeating == {f"{case}/eager", f"{case}/compiled"}


def test_study_c_s_fine_tuning_is_repeated_by_two_cases_of_the_suite():
    (claim,) = (one for one in claims() if one.recipe == "study_c_finetune")
    (figure,) = claim.figures
    assert (figure.metric, figure.value, figure.is_rough) == ("test_accuracy", 0.98, True)
    repeating = {str(case) for case in EVERY if claim.is_repeated_by(str(case))}
    case = "adaptation/vit_base/cifar10/study_c_finetune/bf16"
    assert repeating == {f"{case}/eager", f"{case}/compiled"}
    assert recipe("study_c_finetune").epochs == 10


def head_that_is(share, *, beside):
    """Return the parameters of a head that are this share of all, beside those of the frozen rest."""
    return share * beside / (1 - share)


def test_notes_on_study_b_say_what_in_its_shares_does_not_add_up():
    """By hand: 2 x 16 x (768 + 768) x 12 = 589,824; 768 x 10 + 10 = 7,690; 2,048 x 10 + 10; 1,280 x 10 + 10."""
    notes = {claim.architecture: claim.note for claim in claims() if claim.study == "B"}
    assert 2 * 16 * (768 + 768) * 12 == 589_824
    assert all(text in notes["vit_base"] for text in ("0.58 %", "589,824", "597,514", "0.69 % of 86.40 M"))
    assert f"{597_514 / 86.40e6:.2%}" == "0.69%"
    assert all(text in notes["resnet50"] for text in ("8.53 %", "20,490, 0.09 %", "about 2.19 M", "does not describe"))
    assert head_that_is(0.0853, beside=23.508e6) == pytest.approx(2.19e6, rel=0.005)
    assert all(text in notes["efficientnet_b0"] for text in ("10.96 %", "12,810, 0.32 %", "about 0.49 M"))
    assert head_that_is(0.1096, beside=4.0075e6) == pytest.approx(0.49e6, rel=0.01)


STUDY_B_VIT = {"architecture": "vit_base", "task": "mnist", "recipe": "study_b", "adaptation": "lora16_qv"}
FINETUNED = {"architecture": "vit_base", "task": "cifar10", "recipe": "study_c_finetune"}


@pytest.mark.parametrize(
    "change",
    [
        {"adaptation": "head_views5"},
        {"adaptation": "head"},
        {"adaptation": "full"},
        {"adaptation": "lora16_qkv"},
        {"adaptation": "lora1_qv"},
        {"adaptation": "lora16_qv_alpha16"},
        {"num_train": 100},
        {"architecture": "resnet50"},
        {"recipe": "study_b,epochs=1"},
        {"task": "glyphs"},
    ],
    ids=str,
)
def test_another_adaptation_or_fewer_images_repeat_nothing(change):
    assert any(claim.is_repeated_by(str(AdaptationCase(**STUDY_B_VIT))) for claim in claims())
    assert not any(claim.is_repeated_by(str(AdaptationCase(**{**STUDY_B_VIT, **change}))) for claim in claims())


@pytest.mark.parametrize("change", [{"adaptation": "lora16_qv"}, {"adaptation": "head"}, {"num_train": 500}], ids=str)
def test_study_c_s_fine_tuning_is_of_all_weights_and_all_images(change):
    assert any(claim.is_repeated_by(str(AdaptationCase(**FINETUNED))) for claim in claims())
    assert not any(claim.is_repeated_by(str(AdaptationCase(**FINETUNED, **change))) for claim in claims())


def test_precision_mode_and_seeds_of_adaptations_are_free():
    (claim,) = (one for one in claims() if one.study == "B" and (one.architecture, one.task) == ("vit_base", "mnist"))
    case = AdaptationCase(**STUDY_B_VIT, precision="bf16", mode="compiled", num_seeds=1)
    assert str(case) == "adaptation/vit_base/mnist/study_b/s1/lora16_qv/bf16/compiled"
    assert claim.is_repeated_by(str(case))
