"""Pictures of adapted models, of records made by hand."""

from dataclasses import replace

import pytest
from PIL import Image
from record_builders import accuracy, adaptation, run_of

from vitcnn.adaptations import Full, Head, Lora
from vitcnn.intervals import accuracy_interval
from vitcnn.record import Series
from vitcnn.record.answers import correct
from vitcnn.report.plots import write_plots
from vitcnn.report.plots.adaptation import DRAWINGS, MARKERS, WORDS
from vitcnn.report.plots.records import labels
from vitcnn.report.plots.styles import colours_of

RATES = (0.0, 1e-4, 0.01, 1.0)
CURVES = ((0.25, 0.5, 0.75, 1.0), (0.5, 0.75, 1.0, 1.0))
ROC = (
    Series(name="false_positive_rate", unit="1", axes=("false_positive_rate",), values=RATES),
    Series(name="roc_curve", unit="1", axes=("seed", "false_positive_rate"), values=CURVES),
)
CONFUSION = (((3, 1), (0, 4)), ((4, 0), (0, 4)))


def adapted(architecture, how, percent=90, *, recipe="transfer_lora_vit", num_tested=2, seconds=1.0, roc=ROC, **more):
    """Return the record of an adaptation of which each of two seeds gets `percent` of 100 images right."""
    right = [[1] * percent + [0] * (100 - percent)] * 2
    given = adaptation(architecture, how, right=right, seconds=seconds, recipe=recipe, **more)
    share = percent / 100
    by_epoch = {"axes": ("seed", "tested_epoch")}
    by_class = {"axes": ("seed", "true_class", "predicted_class")}
    series = (
        *given.series,
        Series(name="training_loss", unit="nat", axes=("seed", "epoch"), values=((2, 1, 0.5), (4, 1, 0.5))),
        Series(name="learning_rate", unit="1", axes=("epoch",), values=(0.1, 0.2, 0.05)),
        Series(name="tested_epoch", unit="epoch", axes=("tested_epoch",), values=last(num_tested, 1, 2)),
        Series(
            name="test_accuracy",
            unit="1",
            values=(last(num_tested, 0.25, share), last(num_tested, 0.5, share)),
            **by_epoch,
        ),
        Series(name="training_time_s", unit="s", values=(last(num_tested, 0.5, seconds),) * 2, **by_epoch),
        Series(name="confusion_matrix", unit="image", values=CONFUSION, **by_class),
        *roc,
    )
    num_train = given.settings["num_train"]
    case = f"adaptation/{architecture}/digits/{recipe}/{how}{f'/n{num_train}' if num_train else ''}/fp32/eager"
    settings = {**given.settings, "target_accuracy": 0.9, "classes": ["cat", "dog"]}
    return replace(given, case=case, series=series, settings=settings)


def last(number, *values):
    return values[-number:]


def on_task(record, task):
    return replace(record, settings={**record.settings, "task": task})


SIX = (
    adapted("vit_micro", "full", 93, recipe="transfer_full_vit", seconds=4.0),
    adapted("vit_micro", "lora8_qv", 94, seconds=2.0),
    adapted("vit_micro", "head", 80, recipe="transfer_head_vit", seconds=0.5),
    adapted("lenet", "full", 96, recipe="transfer_full_cnn", seconds=3.0),
    adapted("lenet", "lora4_conv", 92, recipe="transfer_lora_cnn", seconds=2.5),
    adapted("lenet", "head_views5", 70, recipe="transfer_head_cnn", seconds=1.0),
)
FROM_RANDOM = adapted("vit_micro", "full", 50, recipe="transfer_full_vit,weights=random")


def drawn(kind, records):
    """Return the one figure of a kind."""
    [(_name, figure)] = DRAWINGS[f"adaptation-{kind}"](records)
    return figure


def markers(figure):
    """Return the marker and the colour of the points by position."""
    lines = [container.lines[0] for container in figure.axes[0].containers]
    return {(line.get_xdata()[0], line.get_ydata()[0]): (line.get_marker(), line.get_color()) for line in lines}


def lines_of(axes, label):
    """Return the points of the line so labelled, and those of the thin lines of its colour and marker."""
    [thick] = [line for line in axes.get_lines() if line.get_label() == label]
    look = (thick.get_color(), thick.get_marker())
    alike = [line for line in axes.get_lines() if (line.get_color(), line.get_marker()) == look]
    return points(thick), [points(line) for line in alike if line is not thick]


def points(line):
    return list(line.get_xdata()), list(line.get_ydata())


def test_each_case_is_a_point_in_its_architecture_s_colour_with_the_marker_of_what_trains():
    figure = drawn("against-training-time", SIX)
    vit, cnn = (tuple(colours_of(SIX)[name]) for name in ("vit_micro", "lenet"))
    assert vit != cnn
    assert {place: (marker, tuple(colour)) for place, (marker, colour) in markers(figure).items()} == {
        (4.0, 93.0): ("o", vit),
        (2.0, 94.0): ("s", vit),
        (0.5, 80.0): ("^", vit),
        (3.0, 96.0): ("o", cnn),
        (2.5, 92.0): ("s", cnn),
        (1.0, 70.0): ("^", cnn),
    }
    [legend] = figure.legends
    entries = [text.get_text() for text in legend.get_texts()]
    assert entries == ["vit_micro", "lenet", "full", "head", "LoRA", "Pareto front"]
    assert legend.get_title().get_text() == "colour: architecture\nshape: what trains"


def test_names_say_the_adaptation_and_those_of_the_front_are_bold():
    axes = drawn("against-training-time", SIX).axes[0]
    assert {text.get_text(): text.get_fontweight() == "bold" for text in axes.texts} == {
        "vit_micro full": False,
        "vit_micro lora8_qv": True,
        "vit_micro head": True,
        "lenet full": True,
        "lenet lora4_conv": False,
        "lenet head_views5": False,
    }
    [front] = [line for line in axes.get_lines() if line.get_drawstyle() == "steps-post"]
    assert list(front.get_xdata())[:3] == [0.5, 2.0, 3.0]
    assert list(front.get_ydata()) == [80.0, 94.0, 96.0, 96.0]


def test_bars_are_the_interval_of_the_accuracy():
    container = drawn("against-training-time", SIX).axes[0].containers[0]
    [bar] = container.lines[2][1].get_segments()
    interval = accuracy_interval(correct(SIX[0]))
    assert bar[:, 1].tolist() == pytest.approx([100 * interval.low, 100 * interval.high])


def test_the_axes_say_how_the_models_were_trained_and_which_began_elsewhere():
    axes = drawn("against-training-time", [*SIX, FROM_RANDOM]).axes[0]
    first, *how = axes.get_xlabel().split("\n")
    assert first == "median training time of a seed, s"
    assert " ".join(how) == (
        "recipe transfer_*, 2 seeds, fp32, eager; "
        "vit_micro full weights=random: recipe transfer_*,weights=random, 2 seeds, fp32, eager"
    )
    assert axes.get_ylabel() == "test accuracy on digits, %", "the same case, the same conditions"
    assert "vit_micro full weights=random" in {text.get_text() for text in axes.texts}


def test_a_recipe_of_no_set_is_named_whole():
    pair = [adapted("vit_micro", "lora8_qv", recipe="study_b"), adapted("lenet", "head_views5", recipe="study_b")]
    assert drawn("against-training-time", pair).axes[0].get_xlabel().endswith("\nrecipe study_b, 2 seeds, fp32, eager")


@pytest.mark.parametrize("kind", ["against-training-time", "accuracy", "learning", "roc"])
def test_every_number_of_training_images_has_a_picture_of_its_own_from_few_to_all(kind):
    few = [adapted("lenet", how, num_train=count) for how in ("full", "head") for count in (2000, 100)]
    shapes = [on_task(adapted("lenet", how), "shapes") for how in ("full", "head")]
    found = list(DRAWINGS[f"adaptation-{kind}"]([*shapes, *few, *SIX]))
    assert [name for name, _ in found] == ["digits/n100", "digits/n2000", "digits", "shapes"]
    titles = [figure.get_suptitle().splitlines()[0] for _, figure in found]
    assert "digits (2,000 training images)" in titles[1]
    assert "images" not in titles[2]


def test_one_case_alone_is_not_compared_and_other_questions_have_no_part():
    other = accuracy("lenet", right=[[1, 0]])
    assert list(DRAWINGS["adaptation-against-training-time"]([SIX[0], other])) == []
    assert [list(draw([other])) for draw in DRAWINGS.values()] == [[]] * len(DRAWINGS)


def test_accuracy_over_epochs_and_seconds_of_those_of_which_several_epochs_were_tested():
    pair = [SIX[0], adapted("lenet", "head", num_tested=1)]
    by_epoch, by_time = drawn("accuracy", pair).axes
    name = "vit_micro full (vit)"
    assert lines_of(by_epoch, name) == (([1, 2], [25.0, 93.0]), [([1, 2], [50.0, 93.0])])
    assert lines_of(by_time, name) == (([0.5, 4.0], [25.0, 93.0]), [([0.5, 4.0], [50.0, 93.0])])
    assert not [line for line in by_epoch.get_lines() if "lenet" in line.get_label()]
    assert list(DRAWINGS["adaptation-accuracy"](pair[1:])) == []


def test_what_a_picture_leaves_out_changes_no_colour_in_it():
    pair = [adapted("lenet", "head", num_tested=1, roc=()), SIX[0]]
    found = set()
    for kind in ("accuracy", "learning", "roc"):
        [line] = [line for line in drawn(kind, pair).axes[0].get_lines() if line.get_label() == "vit_micro full (vit)"]
        found.add(tuple(line.get_color()))
    assert found == {tuple(colours_of(pair)["vit_micro"])}


def test_loss_and_learning_rate_are_those_of_each_adaptation():
    by_loss, by_rate = drawn("learning", SIX).axes
    names = [line.get_label() for line in by_rate.get_lines()]
    assert names == [
        "vit_micro full (vit)",
        "vit_micro lora8_qv (vit)",
        "vit_micro head (vit)",
        "lenet full (cnn)",
        "lenet lora4_conv (cnn)",
        "lenet head_views5 (cnn)",
    ]
    assert lines_of(by_loss, names[1]) == (([1, 2, 3], [2.0, 1.0, 0.5]), [([1, 2, 3], [4.0, 1.0, 0.5])])


def test_roc_curves_begin_where_a_logarithmic_axis_can():
    figure = drawn("roc", [*SIX[:2], adapted("coatnet", "full", roc=())])
    [axes] = figure.axes
    assert axes.get_xscale() == "log"
    shown = list(RATES[1:])
    assert lines_of(axes, "vit_micro lora8_qv (vit)") == ((shown, [0.5, 0.75, 1.0]), [(shown, [0.75, 1.0, 1.0])])
    assert len(axes.get_lines()) == 4, "two seeds of two cases"
    assert figure.get_suptitle().startswith("ROC curves (micro-average) on digits\n")


def test_where_no_case_has_a_roc_curve_there_is_no_picture():
    assert list(DRAWINGS["adaptation-roc"]([adapted("lenet", "full", roc=())])) == []


def test_labels_tell_adaptations_images_and_changes_of_recipes_apart():
    records = [
        SIX[0],
        FROM_RANDOM,
        adapted("vit_micro", "lora8_qv"),
        adapted("vit_micro", "lora8_qv", num_train=100),
        adapted("lenet", "head", recipe="transfer_head_cnn"),
        adapted("lenet", "head", recipe="study_b"),
    ]
    assert labels(records) == [
        "vit_micro full",
        "vit_micro full, weights=random",
        "vit_micro lora8_qv",
        "vit_micro lora8_qv, n100",
        "lenet head, transfer_*",
        "lenet head, study_b",
    ]


def test_labels_name_the_weights_wherever_one_of_a_picture_begins_elsewhere():
    lone = adapted("lenet", "full", recipe="transfer_full_cnn,weights=random")
    assert labels([lone, SIX[1]]) == ["lenet full, weights=random", "vit_micro lora8_qv"]
    hub = [adapted(name, "full", recipe="transfer_full_cnn,weights=hub") for name in ("lenet", "vit_micro")]
    assert labels(hub) == ["lenet full", "vit_micro full"]


def test_each_kind_of_adaptation_has_a_marker_and_a_word():
    kinds = {how.kind for how in (Full(), Head(), Lora(rank=1, targets="qv", alpha=2))}
    assert set(MARKERS) == set(WORDS) == kinds
    assert len(set(MARKERS.values())) == len(kinds)


def test_files_are_whole_pictures_named_by_task_number_of_images_or_case(tmp_path):
    run = run_of(*(adapted("lenet", how, num_train=100, recipe="study_b") for how in ("full", "head")))
    paths = write_plots(run, DRAWINGS, tmp_path / "plots")
    assert [path.name for path in paths] == [
        "adaptation-against-training-time-digits-n100.png",
        "adaptation-accuracy-digits-n100.png",
        "adaptation-learning-digits-n100.png",
        "adaptation-roc-digits-n100.png",
        "adaptation-confusion-lenet-digits-study_b-full-n100-fp32-eager.png",
        "adaptation-confusion-lenet-digits-study_b-head-n100-fp32-eager.png",
    ]
    for path in paths:
        with Image.open(path) as image:
            image.load()
            assert min(image.size) >= 300
