"""Claims against the catalogue, the suite and what the sources state."""

from pathlib import Path

import pytest

from vitcnn import AccuracyCase, DataEfficiencyCase
from vitcnn.architectures import architectures
from vitcnn.claims import claims
from vitcnn.metrics import metrics
from vitcnn.questions.accuracy import ACCURACY
from vitcnn.recipes import recipe
from vitcnn.suite import cases_in
from vitcnn.tasks import tasks

EVERY = cases_in(Path(__file__).parents[1] / "benchmarks")
EACH = pytest.mark.parametrize("claim", claims(), ids=lambda claim: claim.recipe)


def figures(name):
    (claim,) = (claim for claim in claims() if claim.recipe == name)
    return {figure.metric: figure.value for figure in claim.figures}


@EACH
def test_setting_exists_and_the_suite_repeats_it_in_full_alone(claim):
    assert claim.architecture in architectures()
    assert recipe(claim.recipe).name == claim.recipe
    assert claim.task in tasks()
    presets = {case.preset for case in EVERY if claim.is_repeated_by(str(case))}
    assert presets == {"full"}


@EACH
def test_figures_are_of_our_metrics_in_their_units(claim):
    for figure in claim.figures:
        metric = metrics()[figure.metric]
        assert figure.unit == metric.unit
        assert metric.reads in ACCURACY.provides
        assert 0 < figure.value < (1 if figure.unit == "1" else float("inf"))


@EACH
def test_whatever_is_published_has_its_source_and_hardware(claim):
    assert bool(claim.figures) == bool(claim.source) == bool(claim.hardware)
    assert claim.note


@EACH
def test_classes_are_the_tasks_own(claim):
    assert tuple(claim.class_accuracies) in ((), tasks()[claim.task].classes)


def test_no_setting_has_two_claims():
    settings = [(claim.architecture, claim.task, claim.recipe) for claim in claims()]
    assert len(set(settings)) == len(settings) >= 6


def test_figures_are_those_of_the_sources():
    assert figures("study_a_vit") == {"test_accuracy": 0.981, "training_time_s": 441.03}
    assert figures("study_a_cnn") == {"test_accuracy": 0.915, "training_time_s": 3.76}
    assert figures("study_c_vit") == {"best_epoch_accuracy": 0.8699, "training_time_s": 2640}
    assert figures("study_c_cnn") == {"best_epoch_accuracy": 0.9343, "training_time_s": 900}
    assert figures("cifar_speedrun_cnn") == {"test_accuracy": 0.9401, "training_time_s": 2.59}
    assert figures("cifar_speedrun_vit") == {}


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
