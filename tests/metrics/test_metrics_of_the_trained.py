"""What accuracy cases report besides their accuracy, on answers made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from vitcnn import AccuracyCase, TrainingCase
from vitcnn.architectures import architecture
from vitcnn.bench.by_class import FALSE_POSITIVE_RATES, class_accuracies, confusion_matrices, roc_curves
from vitcnn.bench.series import of_each_class, of_roc_curves
from vitcnn.bench.subject import Subject, Trained
from vitcnn.device.arithmetic import Peak
from vitcnn.errors import Diverged
from vitcnn.metrics import metrics
from vitcnn.spec import InputShape

RIGHT = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.1, 0.6, 0.3], [0.2, 0.1, 0.7]])
WRONG = np.array([[0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.1, 0.6, 0.3], [0.6, 0.3, 0.1]])
LABELS = np.array([0, 1, 1, 2])


def answered(probabilities, labels):
    """Return what of a training follows from the probabilities of each class and the labels."""
    predictions = probabilities.argmax(axis=2)
    return {
        "labels": labels,
        "confidences": probabilities,
        "predictions": predictions,
        "scores": predictions == labels,
    }


TRAINED = Trained(
    **answered(np.stack([RIGHT, WRONG]), LABELS),
    epochs=(2, 4, 6),
    accuracies=np.array([[0.5, 0.75, 1.0], [0.5, 0.75, 0.5]]),
    ends_s=np.array([[1.0, 2.0, 3.0], [1.5, 2.5, 3.5]]),
    target_accuracy=0.75,
    warm_up_s=0.25,
    losses=np.array([0.5, 1.5]),
)


def subject(cpu, trained=TRAINED, **changes):
    return Subject(
        **{
            "case": AccuracyCase(architecture="lenet", task="digits", recipe="digits_cnn"),
            "architecture": architecture("lenet"),
            "device": cpu,
            "shape": InputShape(px=28, channels=1, num_classes=10),
            "run": lambda: None,
            "warm_up": lambda: (1, 1),
            "images_per_run": 1000,
            "settings": {},
            "times_s": (2.0, 4.0),
            "trained": trained,
            **changes,
        }
    )


def samples(name, given):
    return [sample for measurement in metrics()[name].of(given) for sample in measurement.samples]


def test_accuracy_is_the_mean_score_of_each_seed(cpu):
    assert samples("test_accuracy", subject(cpu)) == [1.0, 0.5]


def test_best_epoch_is_each_seeds_own(cpu):
    assert samples("best_epoch_accuracy", subject(cpu)) == [1.0, 0.75]


def test_time_to_accuracy_is_that_of_the_first_tested_epoch_that_reaches_it(cpu):
    assert samples("time_to_accuracy_s", subject(cpu)) == [2.0, 2.5]


def test_time_to_accuracy_is_absent_unless_every_seed_reached_it(cpu):
    assert samples("time_to_accuracy_s", subject(cpu, replace(TRAINED, target_accuracy=0.9))) == []


def test_first_calls_are_what_the_warm_up_took(cpu):
    assert samples("first_call_time_s", subject(cpu)) == [0.25]


def test_f1_is_weighted_by_the_images_of_each_class(cpu):
    """By hand: of the second seed, class 0 has no right answer, class 1 2 of 3 answers right and none missed, so
    2 * 2/3 / (2/3 + 1) = 0.8, which weighs a half; class 2 has none.
    """
    assert samples("f1_weighted", subject(cpu)) == pytest.approx([1.0, 0.4])


def area(positives, negatives):
    """Return the share of pairs that are in the right order, ties counting half: what the area is (Mann, Whitney)."""
    return np.mean([(p > n) + 0.5 * (p == n) for p in positives for n in negatives])


@pytest.mark.parametrize("num_classes", [2, 3, 5])
def test_areas_under_the_curve_are_the_shares_of_pairs_in_order(cpu, num_classes):
    rng = np.random.default_rng(num_classes)
    labels = np.arange(30) % num_classes
    probabilities = rng.dirichlet(np.ones(num_classes), size=(2, 30)).astype(np.float32)
    given = subject(cpu, replace(TRAINED, **answered(probabilities, labels)))
    is_of_class = labels[:, None] == np.arange(num_classes)
    macro = [
        np.mean([area(seed[labels == c, c], seed[labels != c, c]) for c in range(num_classes)])
        for seed in probabilities
    ]
    assert samples("roc_auc_macro", given) == pytest.approx(macro)
    micro = [area(seed[is_of_class], seed[~is_of_class]) for seed in probabilities]
    assert samples("roc_auc_micro", given) == pytest.approx(micro)


@pytest.mark.parametrize("name", ["roc_auc_micro", "roc_auc_macro"])
@pytest.mark.parametrize("labels", [[0, 1, 1, 0], [1, 1, 1, 1]])
def test_areas_are_absent_where_a_class_has_no_test_image(cpu, name, labels):
    assert samples(name, subject(cpu, replace(TRAINED, labels=np.array(labels)))) == []


def test_areas_are_absent_where_there_is_but_one_class(cpu):
    one = replace(TRAINED, **answered(np.ones((1, 4, 1)), np.zeros(4, int)))
    assert samples("roc_auc_macro", subject(cpu, one)) == []


def test_roc_curves_by_hand():
    """Of the first seed the four right decisions have 0.7, 0.8, 0.6, 0.7, the eight wrong ones at most 0.3.

    Of the second the right ones have 0.2, 0.8, 0.6, 0.1, the wrong ones 0.7, 0.6, 0.3, 0.3 and four times 0.1. From
    the top: 1/4 true at 0 false; at 0.7 1/8 false; at 0.6 2/4 true, 2/8 false; at 0.3 4/8 false; at 0.2 3/4 true; at
    0.1 all.
    """
    perfect, other = roc_curves(TRAINED)
    assert perfect.tolist() == [1.0] * 41
    corners = ([0, 1 / 8, 2 / 8, 4 / 8, 4 / 8 + 1e-9, 1], [1 / 4, 1 / 4, 2 / 4, 2 / 4, 3 / 4, 1])
    assert other == pytest.approx(np.interp(FALSE_POSITIVE_RATES, *corners))
    assert other[0] == 0.25


def test_a_record_keeps_a_few_points_of_the_curve_from_one_false_positive_in_ten_thousand_on():
    rates, curves = of_roc_curves(TRAINED)
    assert (rates.name, curves.name) == ("false_positive_rate", "roc_curve")
    assert (rates.axes, curves.axes) == (("false_positive_rate",), ("seed", "false_positive_rate"))
    assert rates.values[:2] == (0.0, pytest.approx(1e-4))
    assert rates.values[-1] == 1.0
    assert len(rates.values) == len(curves.values[0]) == len(curves.values[1]) == 41
    ratios = np.diff(np.log(rates.values[1:]))
    assert ratios == pytest.approx(ratios[0])


def test_the_area_below_a_curve_of_many_answers_is_that_of_all_thresholds(cpu):
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(2000) % 4)
    clearer = rng.dirichlet(np.ones(4), size=2000) + 0.5 * np.eye(4)[labels]
    given = replace(TRAINED, **answered(clearer[None] / clearer.sum(axis=1, keepdims=True), labels))
    [curve] = roc_curves(given)
    assert np.all(np.diff(curve) >= 0)
    below = np.trapezoid(curve, FALSE_POSITIVE_RATES)
    assert below == pytest.approx(samples("roc_auc_micro", subject(cpu, given))[0], abs=5e-3)


@pytest.mark.parametrize(
    "without",
    [
        replace(TRAINED, labels=np.array([0, 1, 1, 0])),
        replace(TRAINED, **answered(np.ones((1, 4, 1)), np.zeros(4, int))),
        replace(TRAINED, confidences=np.ones((2, 4))),
    ],
    ids=["a class has no image", "one class", "no classes"],
)
def test_where_there_is_no_area_there_is_no_curve(without):
    assert of_roc_curves(without) == []


def test_answers_that_are_not_numbers_have_diverged(cpu):
    broken = replace(TRAINED, confidences=np.full((2, 4, 3), np.nan))
    with pytest.raises(Diverged, match="answers hold NaN"):
        samples("roc_auc_micro", subject(cpu, broken))
    with pytest.raises(Diverged, match="answers hold NaN"):
        of_roc_curves(broken)


def test_confusion_by_hand():
    matrices = confusion_matrices(TRAINED).tolist()
    assert matrices == [[[1, 0, 0], [0, 2, 0], [0, 0, 1]], [[0, 1, 0], [0, 2, 0], [1, 0, 0]]]


def test_class_accuracies_by_hand_and_not_a_number_for_a_class_without_images():
    assert class_accuracies(TRAINED).tolist() == [[1, 1, 1], [0, 1, 0]]
    without = replace(TRAINED, labels=np.array([0, 1, 1, 1]))
    assert np.isnan(class_accuracies(without)).tolist() == [[False, False, True]] * 2
    assert [series.name for series in of_each_class(TRAINED)] == ["class_accuracy", "confusion_matrix"]
    assert [series.name for series in of_each_class(without)] == ["confusion_matrix"]


def test_utilisation_is_the_models_flops_over_the_peak(cpu, monkeypatch):
    """By hand: lenet has 416,520 multiply-accumulates at 28 px; 500 and 250 images/s of 6 FLOP each."""
    asked = []

    def peak(device, precision, *, reached_flops_per_s):
        asked.append((device, precision, reached_flops_per_s))
        return Peak(matmul_flops_per_s=4e9, convolution_flops_per_s=10e9)

    monkeypatch.setattr("vitcnn.device.arithmetic.peak", peak)
    given = subject(cpu)
    assert samples("matmul_flops_per_s", given) == [4e9]
    assert samples("convolution_flops_per_s", given) == [10e9]
    shares = samples("model_flop_utilisation", given)
    assert shares == pytest.approx([6 * 416_520 / 0.003 / 10e9]), "of the median of 2 and 4 ms"
    case = TrainingCase(architecture="lenet", px=28, batch=4, precision="bf16")
    step = subject(cpu, case=case, images_per_run=4, times_s=(0.5,))
    assert samples("model_flop_utilisation", step) == pytest.approx([6 * 416_520 * 8 / 10e9])
    assert asked[0] == (cpu, "fp32", pytest.approx(6 * 416_520 * 500)), "that of the fastest round"
    assert asked[1:3] == asked[:1] * 2
    assert asked[3] == (cpu, "bf16", pytest.approx(6 * 416_520 * 8))
