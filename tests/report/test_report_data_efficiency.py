from dataclasses import replace

import numpy as np
import pytest
from record_builders import accuracy, data_efficiency, memory, run_of
from report_builders import summary, tradeoffs

from vitcnn.report.data_efficiency import crossovers
from vitcnn.report.data_efficiency import data_efficiency as report

WIDE = 1000
IMAGES = 200
SIZES = (memory("lenet", parameters=60_000), memory("vit_micro", parameters=40_000))


def rows(*shares, images=IMAGES):
    """Return which images each seed is right about: the first `share` of them."""
    return [[int(index < share * images) for index in range(images)] for share in shares]


def few(architecture, num_train, *shares, **settings):
    return data_efficiency(architecture, num_train, right=rows(*shares), **settings)


def whole(architecture, *shares, **settings):
    record = accuracy(architecture, right=rows(*shares), **settings)
    return replace(record, settings={**record.settings, "num_train_images": 1442})


def line(*records):
    """Return the line about a run's only pair, without its start."""
    [text] = [t for t in report(run_of(*SIZES, *records), width=WIDE).splitlines() if " against " in t]
    start = "vit_micro against lenet: accuracy on few images of digits: "
    assert text.startswith(start)
    return text.removeprefix(start)


def test_a_row_for_each_size_with_the_mean_and_the_worst_and_best_seed():
    records = (few("lenet", 500, 0.9, 1.0), few("lenet", 100, 0.5, 0.6, 0.7), few("vit_micro", 100, 0.25))
    table = [text.split() for text in report(run_of(*records), width=WIDE).splitlines()]
    assert table[1] == ["images", "lenet", "vit_micro"]
    assert table[3:] == [
        ["100", "60.0", "(50.0-70.0)", "25.0", "(25.0-25.0)"],
        ["500", "95.0", "(90.0-100.0)", "-"],
    ]


def test_the_accuracy_case_is_the_size_of_all_images():
    text = report(run_of(few("lenet", 100, 0.5), whole("lenet", 0.9, 1.0)), width=WIDE)
    assert text.splitlines()[-1].split() == ["1,442", "95.0", "(90.0-100.0)"]


@pytest.mark.parametrize(
    "other", [whole("lenet", 0.9, recipe="longer"), whole("lenet", 0.9, task="mnist"), whole("vit_micro", 0.9)]
)
def test_an_accuracy_case_by_another_recipe_or_on_another_task_is_not(other):
    text = report(run_of(few("lenet", 100, 0.5), other), width=WIDE)
    assert "1,442" not in text


def test_where_the_vit_overtakes():
    text = line(
        few("lenet", 100, 0.8, 0.8),
        few("vit_micro", 100, 0.5, 0.5, recipe="digits_vit"),
        few("lenet", 500, 0.8, 0.8),
        few("vit_micro", 500, 0.8, 0.8, recipe="digits_vit"),
        few("lenet", 1000, 0.8, 0.8),
        few("vit_micro", 1000, 1.0, 1.0, recipe="digits_vit"),
    )
    first, second, third, fourth = text.split("; ")
    assert first == "vit_micro overtakes lenet between 100 and 1,000 images"
    assert second.startswith("lenet leads at 100 (by 30.0 points [2")
    assert third == "no difference seen at 500"
    assert fourth.startswith("vit_micro leads at 1,000 (by 20.0 points [1")
    assert fourth.endswith("]) images.")


def test_the_interval_is_that_of_the_paired_images():
    """200 images of which 60 differ: the share 0.3 has the standard deviation sqrt(0.3 * 0.7 / 200) = 0.0324."""
    text = line(few("lenet", 100, 0.8), few("vit_micro", 100, 0.5))
    low, high = (float(value) for value in text.partition("[")[2].partition("]")[0].split(", "))
    assert (low, high) == pytest.approx((30 - 6.35, 30 + 6.35), abs=0.8)


def test_a_leader_at_every_size_is_not_overtaken():
    sizes = {100: (0.9, 0.5), 500: (0.95, 0.7)}
    records = [r for n, (cnn, vit) in sizes.items() for r in (few("lenet", n, cnn), few("vit_micro", n, vit))]
    text = line(*records, whole("lenet", 1.0), whole("vit_micro", 1.0))
    first, second, third = text.split("; ")
    assert first == "no crossover seen"
    assert second.startswith("lenet leads at 100 (by 40.0 points [")
    assert " and 500 (by 25.0 points [" in second
    assert third == "no difference seen at 1,442 images (one seed: over the images alone)."


def test_where_nobody_leads_there_is_nothing_to_cross():
    records = [few(name, size, 0.9, 0.9) for name in ("lenet", "vit_micro") for size in (100, 500, 1000)]
    assert line(*records) == "no difference seen at 100, 500 and 1,000 images."


def test_one_size_says_nothing_of_a_crossover():
    assert line(few("lenet", 100, 0.9), few("vit_micro", 100, 0.2)).startswith("lenet leads at 100 (by 70.0 points [")


def test_a_handful_of_test_images_tells_nothing():
    records = [
        data_efficiency(name, 100, right=rows(share, images=29)) for name, share in (("lenet", 1), ("vit_micro", 0))
    ]
    assert line(*records) == "too few test images (29) to tell."


def test_architectures_without_a_size_in_common_are_not_compared():
    text = report(run_of(*SIZES, few("lenet", 100, 0.9), few("vit_micro", 500, 0.2)), width=WIDE)
    assert "against" not in text


def test_crossovers_may_go_back_and_forth():
    leads = dict(zip((1, 2, 3, 4, 5), np.sign([-1, 0, 1, 1, -1]).tolist(), strict=True))
    assert crossovers(leads, "vit", "cnn") == [
        "vit overtakes cnn between 1 and 3 images",
        "cnn overtakes vit between 4 and 5 images",
    ]


def test_tasks_have_tables_of_their_own():
    run = run_of(few("lenet", 100, 0.9), few("lenet", 100, 0.7, task="mnist"))
    first, second = report(run, width=WIDE).split("\n\n")
    assert "on digits" in first
    assert "on mnist" in second


def test_nothing_is_said_without_a_record():
    assert report(run_of(*SIZES, whole("lenet", 0.9)), width=WIDE) == ""


def test_summary_holds_it_and_the_tradeoffs_do_not_repeat_each_size():
    records = [few(name, size, 0.9, 0.9) for name in ("lenet", "vit_micro") for size in (100, 500)]
    run = run_of(*SIZES, *records, whole("lenet", 0.9, 0.9), whole("vit_micro", 0.9, 0.9))
    assert report(run, width=80) in summary(run, width=80)
    assert max(map(len, report(run, width=80).splitlines())) <= 80
    [tradeoff] = tradeoffs(run)
    assert tradeoff == "vit_micro against lenet: accuracy on digits: no difference seen; trains as fast."
