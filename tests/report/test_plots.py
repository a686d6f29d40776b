"""Plots of records made by hand: which files there are, and what stands on the axes."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from record_builders import FAMILIES, latency, measurement, record, run_of

from vitcnn.pytest_plugin.plotting import drawings
from vitcnn.record import Series
from vitcnn.report.plots import file_name, write_plots
from vitcnn.report.plots.confusion import confusion_matrices
from vitcnn.report.plots.curves import (
    accuracy_curves,
    data_efficiency_curves,
    learning_curves,
    middle,
    robustness_curves,
)
from vitcnn.report.plots.records import labels

ACCURACIES = ((0.5, 0.75, 0.875), (0.25, 0.75, 1.0))
ENDS_S = ((1.0, 2.0, 3.0), (3.0, 4.0, 5.0))


def trained(
    architecture,
    *,
    question="accuracy",
    task="digits",
    recipe="r",
    mode="eager",
    classes=("0", "1"),
    ends_s=ENDS_S,
    num_train_images=1000,
    shares=(0.875, 1.0),
    confusion=(((3, 1), (0, 4)), ((4, 0), (0, 4))),
    series=(),
):
    """Return what two seeds of an accuracy case leave behind."""
    return record(
        f"{question}/{architecture}/{task}/{recipe}/n{num_train_images}/fp32/{mode}",
        measurement("test_accuracy", *shares, unit="1", better="higher"),
        question=question,
        task=task,
        recipe=recipe,
        precision="fp32",
        mode=mode,
        classes=list(classes),
        num_seeds=2,
        target_accuracy=0.9,
        num_train_images=num_train_images,
        corruptions=[{"name": "blur", "unit": "px", "severities": [1.0, 2.0]}],
        series=(
            Series(name="training_loss", unit="nat", axes=("seed", "epoch"), values=((2, 1, 0.5), (4, 1, 0.5))),
            Series(name="learning_rate", unit="1", axes=("epoch",), values=(0.1, 0.2, 0.05)),
            Series(name="tested_epoch", unit="epoch", axes=("tested_epoch",), values=(1, 2, 3)),
            Series(name="test_accuracy", unit="1", axes=("seed", "tested_epoch"), values=ACCURACIES),
            Series(name="training_time_s", unit="s", axes=("seed", "tested_epoch"), values=ends_s),
            Series(
                name="confusion_matrix", unit="image", axes=("seed", "true_class", "predicted_class"), values=confusion
            ),
            *series,
        ),
    )


UNDER_SHIFT = Series(
    name="accuracy_under_shift",
    unit="1",
    axes=("seed", "corruption", "severity"),
    values=(((1.0, 0.75, 0.5),), ((0.5, 0.25, 0.0),)),
)


def lines_of(axes, label):
    """Return the points of the line so labelled, and those of the thin lines of its colour."""
    [thick] = [line for line in axes.get_lines() if line.get_label() == label]
    others = [line for line in axes.get_lines() if line.get_color() == thick.get_color() and line is not thick]
    assert all(line.get_linewidth() < thick.get_linewidth() for line in others)
    return points(thick), [points(line) for line in others]


def points(line):
    return list(line.get_xdata()), list(line.get_ydata())


def test_accuracy_is_drawn_over_epochs_and_over_the_seconds_that_each_seed_took():
    [(task, figure)] = accuracy_curves([trained("lenet"), trained("vit_tiny")])
    assert task == "digits"
    by_epoch, by_time = figure.axes
    median_seed, other = [50.0, 75.0, 87.5], [25.0, 75.0, 100.0]  # of two, the lower
    assert lines_of(by_epoch, "lenet (cnn)") == (([1, 2, 3], median_seed), [([1, 2, 3], other)])
    assert lines_of(by_time, "vit_tiny (vit)") == (([1, 2, 3], median_seed), [([3, 4, 5], other)])
    assert [line.get_label() for line in by_time.get_lines()][-1] == "target: 90 %"
    assert (by_time.get_xscale(), by_time.get_xlim()[0]) == ("linear", 0)
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["lenet (cnn)", "vit_tiny (vit)", "target: 90 %"]


@pytest.mark.parametrize("values, place", [([3], 0), ([5, 1], 1), ([5, 1, 3], 2), ([4, 2, 1, 3], 1), ([1, 1, 1], 1)])
def test_the_thick_line_is_a_seed_s_own(values, place):
    assert middle(values) == place


def test_times_far_apart_are_drawn_on_a_logarithmic_axis():
    slow = tuple(tuple(20 * end for end in seed) for seed in ENDS_S)
    [(_, figure)] = accuracy_curves([trained("lenet"), trained("vit_tiny", ends_s=slow)])
    assert figure.axes[1].get_xscale() == "log"


def test_loss_and_learning_rate_are_drawn_over_epochs():
    [(_, figure)] = learning_curves([trained("lenet")])
    by_loss, by_rate = figure.axes
    assert lines_of(by_loss, "lenet (cnn)") == (([1, 2, 3], [2.0, 1.0, 0.5]), [([1, 2, 3], [4.0, 1.0, 0.5])])
    assert lines_of(by_rate, "lenet (cnn)") == (([1, 2, 3], [0.1, 0.2, 0.05]), [])


def test_each_task_has_figures_of_its_own_and_other_questions_have_none():
    records = [trained("lenet", task="mnist"), trained("lenet"), latency("lenet", 0.1)]
    assert [task for task, _ in accuracy_curves(records)] == ["digits", "mnist"]
    assert [task for task, _ in learning_curves(records)] == ["digits", "mnist"]
    assert list(robustness_curves(records)) == list(data_efficiency_curves(records)) == []


@pytest.mark.parametrize("mean, counted", [(((3.5, 0.5), (0.0, 4.0)), ["3.5", "0.5", "4"])])
def test_confusion_is_the_seeds_mean_and_coloured_by_the_share_of_the_true_class(mean, counted):
    [(case, figure)] = confusion_matrices([trained("lenet", classes=("cat", "dog"))])
    assert case == "lenet/digits/r/n1000/fp32/eager"
    axes = figure.axes[0]
    [image] = axes.get_images()
    assert np.asarray(image.get_array()) == pytest.approx(np.array(mean) / 4)
    assert [text.get_text() for text in axes.texts] == counted
    assert [text.get_text() for text in axes.get_yticklabels()] == ["cat", "dog"]
    assert "not linear" in figure.axes[1].get_ylabel()  # the colour bar's


def test_confusion_of_many_classes_names_them_all_and_leaves_the_counts_out():
    names = [f"class {number}" for number in range(62)]
    matrices = tuple(tuple(tuple(row) for row in np.eye(62, dtype=int).tolist()) for _ in range(2))
    [(_, figure)] = confusion_matrices([trained("lenet", classes=names, confusion=matrices)])
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == names
    assert not axes.texts


def test_a_class_without_test_images_has_an_empty_row():
    [(_, figure)] = confusion_matrices([trained("lenet", confusion=(((4, 0), (0, 0)),) * 2)])
    assert np.asarray(figure.axes[0].get_images()[0].get_array()).tolist() == [[1, 0], [0, 0]]


def test_robustness_is_drawn_over_the_strengths_of_each_corruption():
    records = [trained(name, question="robustness", series=(UNDER_SHIFT,)) for name in ("lenet", "vit_tiny")]
    [(task, figure)] = robustness_curves(records)
    [axes] = figure.axes
    assert (task, axes.get_title(), axes.get_xlabel()) == ("digits", "blur", "px")
    assert [text.get_text() for text in axes.get_xticklabels()] == ["none", "1", "2"]
    assert lines_of(axes, "vit_tiny (vit)") == (([0, 1, 2], [50.0, 25.0, 0.0]), [([0, 1, 2], [100.0, 75.0, 50.0])])


def test_data_efficiency_ends_with_the_accuracy_on_all_training_images():
    few = [
        trained("lenet", question="data_efficiency", num_train_images=size, shares=(share, share))
        for size, share in ((500, 0.5), (100, 0.25))
    ]
    whole = [trained("lenet", shares=(0.5, 1.0)), trained("lenet", recipe="other"), trained("vit_tiny")]
    [(_, figure)] = data_efficiency_curves([*few, *whole])
    [axes] = figure.axes
    line, *seeds = [points(line) for line in sorted(axes.get_lines(), key=lambda line: line.get_linestyle() == "None")]
    assert line == ([100, 500, 1000], [25.0, 50.0, 50.0])
    assert seeds == [([100, 100], [25.0, 25.0]), ([500, 500], [50.0, 50.0]), ([1000, 1000], [50.0, 100.0])]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["100", "500", "1,000"]


def test_labels_say_in_what_cases_of_one_architecture_differ():
    records = [trained("lenet"), trained("vit_tiny"), trained("lenet", mode="compiled")]
    assert labels(records) == ["lenet, eager", "vit_tiny", "lenet, compiled"]
    assert labels([trained("lenet", recipe="a"), trained("lenet", recipe="b")]) == ["lenet, a", "lenet, b"]


def thick_lines(figure):
    """Return the lines that the legend names, by what it calls them."""
    return {line.get_label(): line for line in figure.axes[0].get_lines() if line.get_label().endswith(")")}


def test_an_architecture_has_one_colour_in_all_pictures_of_a_run_and_its_lines_have_markers_of_their_own():
    run = [
        trained("vit_tiny"),
        trained("lenet", recipe="a"),
        trained("lenet", recipe="b"),
        trained("lenet", task="mnist"),
        trained("coatnet", task="shapes"),
        trained("vit_tiny", question="robustness", series=(UNDER_SHIFT,)),
        trained("vit_tiny", question="data_efficiency", num_train_images=100),
        replace(latency("lenet", 0.1), architecture="alexnet"),  # has no line, so it takes no colour
    ]
    colours, markers = {}, {}
    for draw in (accuracy_curves, learning_curves, robustness_curves, data_efficiency_curves):
        for _, figure in draw(run):
            for label, line in thick_lines(figure).items():
                colours.setdefault(label.split(" ")[0].rstrip(","), set()).add(line.get_color())
                markers.setdefault(label, set()).add(line.get_marker())
    assert {name: len(found) for name, found in colours.items()} == {"lenet": 1, "vit_tiny": 1, "coatnet": 1}
    assert len(set.union(*colours.values())) == 3
    assert markers["lenet, a (cnn)"] != markers["lenet, b (cnn)"]


@pytest.mark.parametrize("number", [10, 20, 25])
def test_every_architecture_has_a_colour_of_its_own(number):
    names = [f"net{place}" for place in range(number)]
    [(_, figure)] = accuracy_curves([replace(trained("lenet"), architecture=name, case=name) for name in names])
    assert len({tuple(line.get_color()) for line in thick_lines(figure).values()}) == number


def test_lines_have_the_dashes_of_their_family_and_the_legend_says_what_stands_for_what():
    [(_, figure)] = accuracy_curves([trained("lenet"), trained("vit_tiny"), trained("coatnet")])
    assert [line.get_linestyle() for line in thick_lines(figure).values()] == ["-", "--", ":"]
    assert {FAMILIES[name] for name in ("lenet", "vit_tiny", "coatnet")} == {"cnn", "vit", "hybrid"}
    assert figure.legends[0].get_title().get_text() == "colour: architecture\nline: family"


def test_files_are_whole_pictures_named_by_kind_and_by_what_they_show(tmp_path):
    run = run_of(
        trained("lenet", task="folder:my photos"),
        trained("lenet", question="robustness", series=(UNDER_SHIFT,)),
        trained("lenet", question="data_efficiency", num_train_images=100),
    )
    paths = write_plots(run, drawings(), tmp_path / "plots")
    assert [path.name for path in paths] == [
        "accuracy-folder-my-photos.png",
        "learning-folder-my-photos.png",
        "confusion-lenet-folder-my-photos-r-n1000-fp32-eager.png",
        "data-efficiency-digits.png",
        "robustness-digits.png",
    ]
    in_own_tests = {"sequences", "adaptation"}
    assert {path.name.split("-")[0] for path in paths} | in_own_tests == {kind.split("-")[0] for kind in drawings()}
    assert sorted((tmp_path / "plots").iterdir()) == sorted(paths)
    for path in paths:
        with Image.open(path) as image:
            image.load()
            assert image.format == "PNG"
            assert min(image.size) >= 300


def test_where_there_is_nothing_to_draw_no_folder_is_made(tmp_path):
    nothing_timed = record("accuracy/lenet/digits/r/fp32/eager", question="accuracy", task="digits")
    assert write_plots(run_of(latency("lenet", 0.1), nothing_timed), drawings(), tmp_path / "plots") == ()
    assert not (tmp_path / "plots").exists()


@pytest.mark.parametrize(
    "name, expected", [("digits", "digits"), ("timm/a_b.c/bf16", "timm-a_b.c-bf16"), ("é:1", "é-1")]
)
def test_names_of_files_hold_nothing_that_a_path_means(name, expected):
    assert file_name(name) == expected


def test_drawing_uses_no_window_and_no_global_figures_and_importing_draws_nothing():
    code = (
        "import sys, vitcnn.report.plots; assert not {'matplotlib', 'torch'} & set(sys.modules); "
        "from vitcnn.report.plots.curves import new_figure; from vitcnn.report.plots import png; "
        "png(new_figure(columns=1)[0]); print({'matplotlib.pyplot', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
