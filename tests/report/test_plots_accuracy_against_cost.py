"""Pictures of accuracy against a cost, of records made by hand."""

from dataclasses import replace

import pytest
from record_builders import accuracy, latency, measurement, memory, run_of

from vitcnn.intervals import accuracy_interval
from vitcnn.record.answers import correct
from vitcnn.report.plots import write_plots
from vitcnn.report.plots.accuracy_against_cost import AGAINST, LATENCY, LOOKS, PEAK, SAVED, TRAINING_TIME
from vitcnn.report.plots.cost_points import conditions, points_of

HOW = {"precision": "fp32", "mode": "eager"}
DRAW = AGAINST
NAMES = {
    LATENCY: "accuracy-against-latency",
    TRAINING_TIME: "accuracy-against-training-time",
    SAVED: "accuracy-against-memory",
}
NOISY = (0.001, 0.001, 0.001, 0.009)


def how(record, **settings):
    return replace(record, settings={**record.settings, **HOW, **settings})


def trained(architecture, percent, *, px=28, seconds=4.0, seeds=2, **settings):
    """Return an accuracy case of which each seed gets `percent` of 100 images right."""
    right = [[1] * percent + [0] * (100 - percent)] * seeds
    record = accuracy(architecture, right=right, seconds=seconds, **settings)
    return how(record, task_px=px, num_seeds=seeds)


def timed(architecture, *seconds, **settings):
    return how(latency(architecture, *seconds, **settings))


def peak(architecture, num_bytes):
    entry = how(memory(architecture, parameters=1))
    return replace(entry, measurements=(*entry.measurements, measurement("peak_allocated_bytes", num_bytes, unit="B")))


FOUR = (
    *(trained(name, percent) for name, percent in (("lenet", 90), ("resnet18", 95), ("vit_tiny", 93), ("coatnet", 96))),
    timed("lenet", 0.0018, 0.002, 0.0022),
    timed("resnet18", 0.004),
    timed("vit_tiny", 0.006),
    timed("coatnet", 0.030),
)


def drawn(cost, records):
    """Return the figure of the one task."""
    [(task, figure)] = DRAW[NAMES[cost]](records)
    assert task == "digits"
    return figure


def names(figure):
    """Return the names beside the points, and whether they are bold."""
    return {text.get_text(): text.get_fontweight() == "bold" for text in figure.axes[0].texts}


def markers(figure):
    """Return the points by position: their marker, colour, and whether they are filled."""
    containers = figure.axes[0].containers
    lines = [container.lines[0] for container in containers]
    return {
        (float(line.get_xdata()[0]), float(line.get_ydata()[0])): (
            line.get_marker(),
            line.get_color(),
            line.get_markerfacecolor() == line.get_color(),
        )
        for line in lines
    }


def test_each_architecture_is_a_point_of_its_family_and_the_front_is_bold():
    figure = drawn(LATENCY, FOUR)
    shapes = {position: marker for position, (marker, _colour, _filled) in markers(figure).items()}
    assert shapes == {(2.0, 90.0): "o", (4.0, 95.0): "o", (6.0, 93.0): "s", (30.0, 96.0): "^"}
    assert names(figure) == {"lenet": True, "resnet18": True, "vit_tiny": False, "coatnet": True}
    [front] = [line for line in figure.axes[0].get_lines() if line.get_drawstyle() == "steps-post"]
    assert list(front.get_xdata())[:3] == [2.0, 4.0, 30.0]
    assert list(front.get_ydata()) == [90.0, 95.0, 96.0, 96.0]
    assert len({look.colour for look in LOOKS.values()}) == len({look.marker for look in LOOKS.values()}) == len(LOOKS)
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["cnn", "vit", "hybrid", "Pareto front"]
    assert legend.get_title().get_text() == "colour and shape:\nfamily"


def test_bars_are_the_interval_of_the_accuracy_and_the_percentiles_of_the_rounds():
    figure = drawn(LATENCY, FOUR)
    container = figure.axes[0].containers[0]
    across, upward = (bar.get_segments()[0] for bar in container.lines[2])
    assert across[:, 0].tolist() == pytest.approx([1.82, 2.18])  # 5 % and 95 % of the way from 1.8 to 2.2 ms
    interval = accuracy_interval(correct(FOUR[0]))
    assert upward[:, 1].tolist() == pytest.approx([100 * interval.low, 100 * interval.high])


def test_the_axes_say_which_cases_are_shown():
    axes = drawn(LATENCY, FOUR).axes[0]
    assert axes.get_xlabel() == "median latency of one forward, ms\n28 px, batch 1, fp32, eager"
    assert axes.get_ylabel() == "test accuracy on digits, %\nrecipe digits_*, 2 seeds, fp32, eager"


@pytest.mark.parametrize("slowest, scale, left", [(0.020, "linear", True), (0.021, "log", False)])
def test_the_axis_begins_at_zero_and_is_logarithmic_where_times_are_over_ten_times_apart(slowest, scale, left):
    records = [trained("lenet", 90), trained("vit_tiny", 80), timed("lenet", 0.002), timed("vit_tiny", slowest)]
    axes = drawn(LATENCY, records).axes[0]
    assert axes.get_xscale() == scale
    assert (axes.get_xlim()[0] == 0) == left


def test_noisy_times_are_hollow_and_marked():
    records = [trained("lenet", 90), trained("vit_tiny", 80), timed("lenet", *NOISY), timed("vit_tiny", 0.002)]
    figure = drawn(LATENCY, records)
    assert {marker: filled for marker, _colour, filled in markers(figure).values()} == {"o": False, "s": True}
    assert set(names(figure)) == {"lenet~", "vit_tiny"}
    assert "hollow, ~: noisy time" in figure.get_suptitle()
    assert "hollow" not in drawn(LATENCY, FOUR).get_suptitle()


def shown_cases(records):
    return {point.measured.case for point in points_of(records, "digits", LATENCY)}


def test_the_latency_is_that_at_the_task_s_resolution_else_at_the_nearest():
    records = [
        trained("lenet", 90),
        timed("lenet", 0.1, px=224),
        timed("lenet", 0.1, px=28),
        trained("vit_tiny", 90),
        timed("vit_tiny", 0.1, px=224),
        timed("vit_tiny", 0.1, px=32),
        timed("resnet18", 0.1),  # was not trained
        trained("coatnet", 90),  # has no latency
    ]
    assert shown_cases(records) == {"latency/lenet/28/b1/fp32/eager", "latency/vit_tiny/32/b1/fp32/eager"}


def test_the_latency_is_of_a_model_of_which_all_trains():
    pair = [trained("lenet", 90), trained("vit_tiny", 90)]
    adapted = how(timed("lenet", 0.1, batch=16), adaptation="head")
    plain = how(timed("vit_tiny", 0.1), adaptation="full")
    assert shown_cases([*pair, adapted, plain]) == {"latency/vit_tiny/28/b1/fp32/eager"}


def test_at_one_resolution_it_is_the_case_that_most_architectures_have_else_the_first():
    pair = [trained("lenet", 90), trained("vit_tiny", 90)]
    first = [timed(name, 0.1, batch=batch) for batch in (16, 1) for name in ("lenet", "vit_tiny")]
    assert shown_cases([*pair, *first]) == {"latency/lenet/28/b16/fp32/eager", "latency/vit_tiny/28/b16/fp32/eager"}
    most = [timed("lenet", 0.1, batch=16), timed("lenet", 0.1), timed("vit_tiny", 0.1)]
    assert shown_cases([*pair, *most]) == {"latency/lenet/28/b1/fp32/eager", "latency/vit_tiny/28/b1/fp32/eager"}


def test_conditions_name_the_architectures_that_were_measured_otherwise():
    records = [timed("lenet", 0.1), timed("vit_tiny", 0.1, px=224), timed("resnet18", 0.1)]
    assert conditions(records) == "28 px, batch 1, fp32, eager; vit_tiny: 224 px, batch 1, fp32, eager"
    assert conditions([trained("lenet", 90, recipe="study")]) == "recipe study, 2 seeds, fp32, eager"


def test_training_time_is_the_accuracy_case_s_own():
    figure = drawn(TRAINING_TIME, [trained("lenet", 90, seconds=3.0), trained("vit_tiny", 80, seconds=5.0)])
    assert set(markers(figure)) == {(3.0, 90.0), (5.0, 80.0)}
    assert figure.axes[0].get_xlabel().startswith("median training time of a seed, s\nrecipe digits_*")


def test_memory_is_the_peak_where_it_is_known_else_what_is_saved_for_backward():
    pair = [trained("lenet", 90), trained("vit_tiny", 80)]
    saved = [how(memory(name, parameters=1, saved=size)) for name, size in (("lenet", 2e6), ("vit_tiny", 4e6))]
    figure = drawn(SAVED, [*pair, *saved])
    assert set(markers(figure)) == {(2.0, 90.0), (4.0, 80.0)}
    assert figure.axes[0].get_xlabel().startswith(f"{SAVED.words}, MB\n28 px, batch 16")
    known = drawn(SAVED, [*pair, peak("lenet", 6e6), peak("vit_tiny", 8e6)])
    assert set(markers(known)) == {(6.0, 90.0), (8.0, 80.0)}
    assert known.axes[0].get_xlabel().startswith(PEAK.words)


def test_one_seed_shows_no_spread_of_seeds():
    records = [trained("lenet", 90, seeds=1), trained("vit_tiny", 80, seeds=1)]
    assert "over the test images alone (one seed)" in drawn(TRAINING_TIME, records).get_suptitle()


def test_with_fewer_than_two_architectures_there_is_no_picture(tmp_path):
    lone = [trained("lenet", 90), timed("lenet", 0.1), how(memory("lenet", parameters=1)), timed("vit_tiny", 0.1)]
    assert [list(draw(lone)) for draw in DRAW.values()] == [[], [], []]
    drawn_too = [trained("vit_tiny", 80)]
    folder = tmp_path / "plots"
    with_pair = [entry for draw in AGAINST.values() for entry, _ in draw([*lone, *drawn_too])]
    assert with_pair == ["digits", "digits"]
    assert write_plots(run_of(timed("lenet", 0.1), timed("vit_tiny", 0.1)), DRAW, folder) == ()
    assert not folder.exists()
