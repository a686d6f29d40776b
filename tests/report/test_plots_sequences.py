"""Plots of sequences of images, of records made by hand."""

from dataclasses import replace

import numpy as np
import pytest
from record_builders import latency, run_of, sequences

from vitcnn.record import Series
from vitcnn.record.answers import with_answers_in_file
from vitcnn.report.plots import write_plots
from vitcnn.report.plots.sequences import DRAWINGS, example_pictures, filled, length_curves

ANCHORED = "anchor and sequence of images"
CURVES = (
    Series(name="training_loss", unit="digit²", axes=("seed", "epoch"), values=((4, 1), (2, 1))),
    Series(name="learning_rate", unit="1", axes=("epoch",), values=(0.1, 0.05)),
    Series(name="tested_epoch", unit="epoch", axes=("tested_epoch",), values=(1, 2)),
    Series(name="test_accuracy", unit="1", axes=("seed", "tested_epoch"), values=((0.5, 0.75), (0.25, 1.0))),
    Series(name="training_time_s", unit="s", axes=("seed", "tested_epoch"), values=((1.0, 2.0), (3.0, 4.0))),
)


def pictures(images, truth, answers):
    return (
        Series(name="example_images", unit="1", axes=("example", "place", "row", "column"), values=images),
        Series(name="example_truth", unit="1", axes=("example",), values=truth),
        Series(name="example_answers", unit="1", axes=("example",), values=answers),
    )


DOT, EMPTY = ((0, 255), (0, 0)), ((128, 128), (128, 128))
PICTURES = pictures((((DOT), DOT, EMPTY), (DOT, EMPTY, EMPTY)), (1, 0), (1, 3))


def trained(architecture="sum_transformer", *, kind="sequence of images", classes=(), **more):
    found = sequences(
        architecture,
        right=[[1, 1, 0, 1], [1, 1, 1, 1]],
        by_length=((1.0, 0.5), (0.5, 0.25)),
        **{"series": (*CURVES, *PICTURES), "by_longer": ((0.25, 0.125),) * 2, **more},
    )
    return replace(found, settings={**found.settings, "kind": kind, "classes": list(classes)})


def points(axes):
    """Return the label, the points and the width of each line."""
    return {
        str(line.get_label()): (np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist())
        for line in axes.get_lines()
    }


def test_accuracy_by_length_goes_on_beyond_the_lengths_of_training():
    short = trained("sum_fc", by_longer=())
    [(task, figure)] = length_curves([trained(), short, latency("lenet", 0.1)])
    [axes] = figure.axes
    drawn = points(axes)
    assert task == "digit_sum_digits"
    assert drawn["sum_transformer (hybrid)"] == ([1, 10, 11, 20], [100.0, 50.0, 25.0, 12.5])  # seed of the lower median
    assert drawn["sum_fc (cnn)"] == ([1, 10], [100.0, 50.0])
    assert drawn["longest of training: 10"][0] == [10.5, 10.5]
    assert len(axes.get_lines()) == 5, "two seeds each, and the boundary"
    widths = [line.get_linewidth() for line in axes.get_lines()[:2]]
    assert widths[1] < widths[0]


def test_curves_are_of_sequences_alone_and_the_loss_has_its_own_unit():
    records = [trained(), latency("lenet", 0.1)]
    [(task, figure)] = DRAWINGS["sequences-accuracy"](records)
    assert task == "digit_sum_digits"
    assert points(figure.axes[0])["sum_transformer (hybrid)"] == ([1, 2], [50.0, 75.0])
    assert points(figure.axes[1])["sum_transformer (hybrid)"] == ([1.0, 2.0], [50.0, 75.0])
    [(_, figure)] = DRAWINGS["sequences-learning"](records)
    assert figure.axes[0].get_ylabel() == "training loss, digit²"
    assert points(figure.axes[0])["sum_transformer (hybrid)"] == ([1, 2], [4, 1])


@pytest.mark.parametrize("is_stored", [False, True])
def test_examples_are_rows_of_images_with_their_answers(tmp_path, is_stored):
    record = with_answers_in_file(trained(), tmp_path) if is_stored else trained()
    [(case, figure)] = example_pictures([record])
    assert case == "sum_transformer/digit_sum_digits/sequences_vit/fp32/eager"
    [axes] = figure.axes
    assert [image.get_extent() for image in axes.get_images()] == [
        pytest.approx(extent) for extent in [(0, 1, 1, 0), (1.1, 2.1, 1, 0), (0, 1, 2.1, 1.1)]
    ]
    assert all(np.asarray(image.get_array()).tolist() == [[0, 255], [0, 0]] for image in axes.get_images())
    assert [text.get_text() for text in axes.texts] == ["1, right", "3, truth 0"]


def test_an_anchor_stands_apart_and_its_answers_are_named():
    record = trained(kind=ANCHORED, classes=("absent", "present"), series=pictures(((DOT, DOT),), (1,), (0,)))
    [(_, figure)] = example_pictures([record])
    [axes] = figure.axes
    anchor, member = (image.get_extent() for image in axes.get_images())
    assert member[0] - anchor[1] == pytest.approx(0.8)
    assert [text.get_text() for text in axes.texts] == ["absent, truth present"]


def test_empty_places_are_those_of_one_brightness():
    assert filled(np.array([DOT, EMPTY, DOT, np.zeros((2, 2))])) == [0, 2]


def test_records_without_examples_have_no_picture_and_everything_is_written(tmp_path):
    assert list(example_pictures([trained(series=CURVES), latency("lenet", 0.1)])) == []
    paths = write_plots(run_of(trained()), DRAWINGS, tmp_path)
    assert [path.name for path in paths] == [
        "sequences-accuracy-digit_sum_digits.png",
        "sequences-learning-digit_sum_digits.png",
        "sequences-length-digit_sum_digits.png",
        "sequences-examples-sum_transformer-digit_sum_digits-sequences_vit-fp32-eager.png",
    ]
