import pytest
from record_builders import adaptation, run_of

from vitcnn.report.adaptation import adaptation as report
from vitcnn.report.adaptation import dominated_by

WIDE = 1000
IMAGES = 200


def rows(*shares, images=IMAGES):
    """Return which images each seed is right about: the first `share` of them."""
    return [[int(index < share * images) for index in range(images)] for share in shares]


def of(architecture, how, share, seconds, memory=None, **more):
    return adaptation(architecture, how, right=rows(share, share), seconds=seconds, memory=memory, **more)


FULL = of("vit_micro", "full", 0.9, 2.0, 4e6, trained=100)
LORA = of("vit_micro", "lora8_qv", 0.9, 1.0, 3e6, trained=10)
HEAD = of("vit_micro", "head", 0.6, 0.5, 1.5e6, trained=1, features=0.5e6)


def table_of(*records):
    """Return the rows of the only table, without the intervals."""
    lines = report(run_of(*records), width=WIDE).splitlines()
    return [[word for word in line.split() if word[0] != "[" and word[-1] != "]"] for line in lines[4:][: len(records)]]


def test_a_row_for_each_adaptation_with_its_cost_and_what_dominates_it():
    assert table_of(FULL, LORA, HEAD) == [
        ["1", "vit_micro", "full", "90.0", "2.00", "100", "4.00", "2"],
        ["2", "vit_micro", "lora8_qv", "90.0", "1.00", "10", "3.00", "-"],
        ["3", "vit_micro", "head", "60.0", "0.500", "1", "2.00", "-"],
    ]


def test_the_line_says_how_each_compares_with_training_everything():
    [line] = [text for text in report(run_of(FULL, LORA, HEAD), width=WIDE).splitlines() if "compared with" in text]
    assert line.startswith(
        "vit_micro, compared with full training: lora8_qv: no difference in accuracy seen, takes 0.5x the time; "
        "head: accuracy lower (by 30.0 points ["
    )
    assert line.endswith("]), takes 0.25x the time.")


def test_without_a_model_of_which_all_trains_there_is_no_line():
    assert "compared with" not in report(run_of(LORA, HEAD), width=WIDE)


def test_too_few_images_tell_nothing():
    few = [adaptation("vit_micro", how, right=rows(0.9, 0.8, images=20)) for how in ("full", "head")]
    assert "head: too few test images (20) to tell, takes 1x the time" in report(run_of(*few), width=WIDE)


def test_one_seed_is_said():
    one = [adaptation("vit_micro", how, right=rows(share)) for how, share in (("full", 0.9), ("head", 0.5))]
    text = report(run_of(*one), width=WIDE)
    assert "(one seed: over the images alone)" in text
    assert "one seed:" in text.splitlines()[0]


@pytest.mark.parametrize(
    "weights, said",
    [
        ("glyphs62", "weights trained on glyphs62"),
        ("hub", "ImageNet weights"),
        ("file:mine.safetensors", "weights of a file"),
        ("random", "random weights"),
    ],
)
def test_the_title_says_what_training_started_from(weights, said):
    text = report(run_of(of("lenet", "full", 0.9, 1.0, training={"weights": weights}, num_train=100)), width=WIDE)
    assert text.splitlines()[0] == f"Adapting {said}, to digits, 100 training images, 2 seeds:"


def test_what_differs_in_the_number_of_images_stands_in_tables_of_its_own():
    few = of("vit_micro", "full", 0.9, 1.0, num_train=100)
    assert report(run_of(FULL, few), width=WIDE).count("Adapting ") == 2


def test_a_row_names_weights_that_most_rows_do_not_start_from():
    random = of("vit_micro", "full", 0.5, 1.0, training={"weights": "random"})
    text = report(run_of(random, FULL, LORA), width=WIDE)
    assert text.startswith("Adapting weights trained on glyphs62, where a row names no others, to digits, all training")
    assert " vit_micro full (random) " in text.splitlines()[4]
    assert "compared with full training: full (random): accuracy lower (by 40.0 points [" in text


@pytest.mark.parametrize(
    "other, dominates",
    [
        ((0.9, 1.0, 1e6), False),  # the same
        ((0.9, 0.9, 1e6), True),  # faster
        ((0.95, 1.0, 1e6), True),  # more accurate
        ((0.9, 1.0, 0.9e6), True),  # smaller
        ((0.95, 1.1, 1e6), False),  # more accurate and slower
        ((0.85, 0.5, 0.5e6), False),  # worse, and cheaper
    ],
)
def test_one_dominates_another_by_being_no_worse_in_all_and_better_in_one(other, dominates):
    ours, theirs = of("lenet", "head", 0.9, 1.0, 1e6), of("vit_micro", "head", *other)
    found = dominated_by([ours, theirs])
    assert (found.get(ours.case) is theirs) == dominates


def test_of_several_that_dominate_the_most_accurate_is_named():
    worst = of("lenet", "full", 0.5, 9.0)
    better, best = of("lenet", "head", 0.8, 1.0), of("lenet", "lora4_conv", 0.9, 2.0)
    assert dominated_by([worst, better, best]) == {worst.case: best}


def test_without_a_record_there_is_nothing():
    assert report(run_of(), width=80) == ""


def test_the_text_is_no_wider_than_it_may_be():
    assert max(len(line) for line in report(run_of(FULL, LORA, HEAD), width=80).splitlines()) <= 80
