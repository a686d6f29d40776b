import pytest
from record_builders import accuracy, memory, robustness, run_of
from report_builders import summary, tradeoffs

from vitcnn.report.robustness import lines, under_each
from vitcnn.report.robustness import robustness as report

WIDE = 500
IMAGES = 40
SIZES = (memory("lenet", parameters=60_000), memory("vit_micro", parameters=40_000))
PAIR = [("vit_micro", "lenet")]


def record(architecture, *, kept, images=IMAGES, seeds=2, shift=0.75, blur=0.25, recipe="digits_cnn"):
    """Return a record of a model that is always right on clean images, and on corrupted ones `kept` times of ten.

    Its accuracies by corruption are given apart: the table shows these, the difference is by the images.
    """
    accuracies = [[[1.0, *[shift] * 5], [1.0, *[blur] * 5]]] * seeds
    times = tuple(tuple(kept[index % len(kept)] for index in range(images)) for _ in range(seeds))
    rows = [[1] * images] * seeds
    return robustness(architecture, right=rows, times_right=times, accuracies=accuracies, recipe=recipe)


STRONG = record("lenet", kept=(8, 7, 9), shift=0.9, blur=0.7)
WEAK = record("vit_micro", kept=(5, 3, 7), shift=0.4, blur=0.6, recipe="digits_vit")


def test_a_table_has_the_mean_of_the_severities_the_clean_images_first_the_summary_last():
    text = report(run_of(STRONG, WEAK), width=WIDE)
    rows = [line.split() for line in text.splitlines()]
    assert rows[0][:3] == ["Accuracy", "on", "digits,"]
    assert rows[1] == ["images", "lenet", "vit_micro"]
    assert rows[3:] == [
        ["as", "they", "are", "100.0", "100.0"],
        ["shift", "90.0", "40.0"],
        ["blur", "70.0", "60.0"],
        ["all", "corrupted", "80.0", "50.0"],
        ["mean", "relative", "0.800", "0.500"],
    ]


def test_severity_0_is_not_in_the_mean():
    mixed = robustness(
        "lenet",
        right=[[1] * 4],
        times_right=((5, 5, 5, 5),),
        accuracies=[[[1.0, 0.5, 0.4, 0.3, 0.2, 0.1], [1.0, 0.0, 0.0, 0.0, 0.0, 1.0]]],
    )
    assert under_each(mixed) == pytest.approx({"shift": 0.3, "blur": 0.2})


def test_a_pair_has_a_line_with_the_difference_its_interval_and_where_each_is_weakest():
    [line] = lines([STRONG, WEAK], PAIR)
    start, rest = line.split(", 0.", 1)
    assert start == ("vit_micro against lenet: robustness on digits: mean relative accuracy 0.500 against 0.800")
    assert rest.startswith("300 lower [0.")
    assert rest.endswith("; vit_micro is weakest under shift (40.0 %); lenet is weakest under blur (70.0 %).")
    low, high = (float(value) for value in rest.partition("[")[2].partition("]")[0].split(", "))
    half = 1.96 * (14 * 0.0**2 + 26 * 0.1**2) ** 0.5 / 40  # image by image they differ by 0.3, 0.4, 0.2 ...
    assert (low, high) == pytest.approx((0.3 - half, 0.3 + half), abs=0.005)


def test_the_line_can_be_read_from_the_other_side():
    [line] = lines([STRONG, WEAK], [("lenet", "vit_micro")])
    assert "accuracy 0.800 against 0.500, 0.300 higher [" in line


def test_a_difference_within_the_noise_is_not_seen():
    same = record("vit_micro", kept=(7, 9, 8), recipe="digits_vit")
    [line] = lines([STRONG, same], PAIR)
    assert "no difference seen; " in line


def test_a_handful_of_test_images_tells_nothing():
    few = [record("lenet", kept=(9,), images=29), record("vit_micro", kept=(1,), images=29)]
    [line] = lines(few, PAIR)
    assert "too few test images (29) to tell" in line


def test_tasks_have_tables_of_their_own_and_pairs_stay_within_them():
    there = robustness(
        "lenet", right=[[1] * 40], times_right=((9,) * 40,), accuracies=[[[1.0] * 6, [1.0] * 6]], task="mnist"
    )
    text = report(run_of(*SIZES, STRONG, WEAK, there), width=WIDE)
    first, second = text.split("\n\n")
    assert "Accuracy on digits" in first
    assert "vit_micro against lenet" in first
    assert "Accuracy on mnist" in second
    assert "against" not in second


def test_nothing_is_said_without_a_record():
    assert report(run_of(*SIZES, accuracy("lenet", right=[[1] * 40])), width=WIDE) == ""


def test_summary_holds_it_and_no_tradeoff_repeats_it():
    run = run_of(*SIZES, STRONG, WEAK)
    assert report(run, width=100) in summary(run, width=100)
    assert tradeoffs(run) == []
    assert max(map(len, report(run, width=60).splitlines())) <= 60


def test_a_run_of_nothing_else_has_no_empty_table():
    text = summary(run_of(STRONG, WEAK), width=100)
    assert text.startswith("Accuracy on digits")
    assert "Shown:" not in text
