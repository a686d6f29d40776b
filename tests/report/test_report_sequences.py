from dataclasses import replace

import pytest
from record_builders import latency, measurement, memory, run_of, sequences
from report_builders import tradeoffs

from vitcnn.report.export import rows_of
from vitcnn.report.sequences import columns
from vitcnn.report.sequences import sequences as report
from vitcnn.report.terminal import ONE_SEED, table

WIDE = 1000


def rows(*shares, count=200):
    """Return which sequences each seed is right about: the first `share` of them."""
    return [[int(index < share * count) for index in range(count)] for share in shares]


def transformer(*shares, **more):
    return sequences("sum_transformer", right=rows(*shares), by_length=((1.0, 0.5), (0.5, 0.25)), **more)


def fully_connected(*shares, **more):
    return sequences("sum_fc", right=rows(*shares), recipe="sequences_cnn", by_longer=(), **more)


def sentences(*records):
    """Return what stands below the table of the only task."""
    lines = report(run_of(*records), width=WIDE).splitlines()
    return [line for line in lines[1:] if line.endswith(".")]


def dependence(name, *shares):
    return measurement(f"{name}_dependence", *shares, unit="1")


def test_a_row_for_each_length_the_longer_ones_together_and_one_for_all_of_each_kind():
    """By hand: the mean of two seeds on one image is 75 %, on ten 37.5 %; on 11-15 (50 + 30) / 2 of one seed."""
    shares = (0.5, 0.3, 0.2, 0.1, 0.0, 0.0, 0.1)
    beyond = {"by_longer": (shares,), "longer_lengths": (11, 12, 13, 14, 15, 16, 20)}
    text = report(run_of(transformer(0.8, 0.6, **beyond), fully_connected(0.5)), width=WIDE)
    start = "Accuracy on digit_sum_digits by the number of images in a sequence, %, mean of the seeds "
    lines = text.splitlines()
    assert lines[0] == f"{start}(sequences/*/digit_sum_digits/sequences_*/fp32/eager):"
    assert lines[1].split() == ["images", "sum_transformer", "sum_fc"]
    assert [line.split(maxsplit=2) for line in lines[3:9]] == [
        ["1", "75.0", "90.0"],
        ["10", "37.5", "50.0"],
        ["1-10", "70.0", "50.0"],
        ["11-15", "22.0", "not applicable"],
        ["16-20", "5.0", "not applicable"],
        ["11-20", "17.1", "not applicable"],
    ]


def test_a_length_that_a_model_was_not_asked_about_has_a_dash():
    only = fully_connected(0.5, by_length=((0.9,),), lengths=(1,))
    text = report(run_of(transformer(0.8), only), width=WIDE)
    assert text.splitlines()[4].split() == ["10", "37.5", "-"]


def test_who_leads_is_said_with_the_interval_of_the_paired_images():
    """200 answers of which 60 differ: the share 0.3 has the standard deviation sqrt(0.3 * 0.7 / 200) = 0.0324."""
    [first, _] = sentences(fully_connected(0.5), transformer(0.8))
    start = "On digit_sum_digits sum_transformer is ahead of sum_fc (by 30.0 points ["
    assert first.startswith(start)
    assert first.endswith("]) (one seed: over the images alone).")
    low, high = (float(value) for value in first.removeprefix(start).partition("]")[0].split(", "))
    assert (low, high) == pytest.approx((30 - 6.35, 30 + 6.35), abs=0.8)


def test_the_interval_is_over_the_images_that_sequences_share_where_the_record_knows_them():
    """All scores differ by the same, so the images show no spread: 40 are then told apart as far as by one."""
    ours, theirs = (transformer(0.8, image_scores=((0.8,) * 40,)), fully_connected(0.5, image_scores=((0.5,) * 40,)))
    [first, _] = sentences(ours, theirs)
    assert "(by 30.0 points [25.1, 34.9])" in first  # 196 / 40 points to either side


def test_where_nobody_leads_it_is_said_of_all():
    [first, _] = sentences(fully_connected(0.8, 0.8), transformer(0.8, 0.8))
    assert first == "On digit_sum_digits no difference in accuracy is seen between sum_fc and sum_transformer."


def test_the_leader_of_three_and_whom_it_is_level_with():
    other = replace(transformer(0.79, 0.79), case="other", architecture="sum_mean")
    [first, _] = sentences(fully_connected(0.4, 0.4), transformer(0.8, 0.8), other)
    assert first.startswith("On digit_sum_digits sum_transformer is ahead of sum_fc (by 40.0 points [3")
    assert first.endswith("]); no difference from sum_mean is seen.")


def test_a_handful_of_test_images_tells_nothing():
    few = [sequences(name, right=rows(0.8, count=29)) for name in ("sum_fc", "sum_transformer")]
    assert sentences(*few) == ["On digit_sum_digits there are too few test images (29) to tell who leads."]


def test_models_that_take_no_longer_sequences_are_named():
    assert sentences(fully_connected(0.7)) == ["Sequences of more than 10 images are not applicable to sum_fc."]


def test_where_none_reaches_the_target_it_is_said_how_to_train_longer():
    [_, said] = sentences(fully_connected(0.5))
    assert said == (
        "No model reaches the task's target of 60 %. To train longer, use for example --recipe sequences_cnn,epochs=20."
    )
    assert len(sentences(fully_connected(0.5), transformer(0.8))) == 2


def test_answers_that_depend_on_padding_or_order_are_told_with_the_largest_change():
    dependent = transformer(0.8, more=(dependence("padding", 1e-6, 0.03), dependence("order", 2e-5, 0.0)))
    assert sentences(dependent) == [
        "The answers of sum_transformer depend on the order of the images: they change by up to 0.0020 % of their "
        "range when the images change places.",
        "The answers of sum_transformer depend on the padding: they change by up to 3.0 % of their range when "
        "ten empty places are appended.",
    ]
    assert sentences(transformer(0.8, more=(dependence("padding", 1e-5), dependence("order", 0.0)))) == []


def test_tasks_have_tables_of_their_own_no_wider_than_asked_and_other_questions_none():
    run = run_of(transformer(0.8), transformer(0.7, task="digit_anchor_digits"), latency("lenet", 0.1))
    first, second = report(run, width=60).split("\n\n")
    assert "digit_sum_digits" in first
    assert "digit_anchor_digits" in second
    assert max(map(len, report(run, width=60).splitlines())) <= 60
    assert report(run_of(latency("lenet", 0.1)), width=60) == ""


def test_columns_show_accuracy_longer_sequences_and_training_time_of_each_task():
    records = [transformer(0.8, 0.6), fully_connected(0.5, 0.5), transformer(0.9, task="digit_anchor_digits")]
    shown = {column.title: column for column in columns([*records, latency("lenet", 0.1)])}
    assert list(shown) == [
        "accuracy\ndigit_anchor_digits\n% [95 %]",
        "accuracy\ndigit_sum_digits\n% [95 %]",
        "accuracy, over\n10 images, %\ndigit_anchor_digits",
        "accuracy, over\n10 images, %\ndigit_sum_digits",
        "training\ndigit_anchor_digits\ns",
        "training\ndigit_sum_digits\ns",
    ]
    longer = shown["accuracy, over\n10 images, %\ndigit_sum_digits"]
    assert [longer.fits(record) for record in records] == [True, False, False]
    assert longer.text(records[0]) == "18.8"
    assert shown["accuracy\ndigit_sum_digits\n% [95 %]"].text(records[0]).startswith("70.0 [")
    assert shown["training\ndigit_sum_digits\ns"].text(records[0]) == "4.00"


def test_the_interval_of_an_accuracy_is_over_the_images_in_the_table_and_in_the_csv_file():
    """40 images that show no spread, though 200 sequences do: Wilson's, 40 / (40 + 1.96^2) = 0.912 and above."""
    record = transformer(1.0, image_scores=((1.0,) * 40,))
    [column] = [column for column in columns([record]) if column.metric == "test_accuracy"]
    assert column.text(record) == "100.0 [91.2, 100.0]"
    [row] = [row for row in rows_of(record) if row["metric"] == "test_accuracy"]
    assert row["low_95"] == pytest.approx(0.9124, abs=1e-4)


class Asked:
    columns = staticmethod(columns)


@pytest.mark.parametrize("shares, is_said", [((0.8,), True), ((0.8, 0.8), False)])
def test_the_table_says_where_an_interval_is_of_one_seed(shares, is_said):
    text = table([transformer(*shares)], [Asked], width=200)
    assert "sum_transformer" in text
    assert (ONE_SEED in text) is is_said


def test_tradeoffs_tell_accuracy_and_time_of_sequences_as_of_images():
    sizes = (memory("sum_fc", parameters=300_000), memory("sum_transformer", parameters=700_000))
    run = run_of(*sizes, fully_connected(0.5, seconds=2.0), transformer(0.8, seconds=4.0))
    [said] = tradeoffs(run)
    assert said.startswith("sum_transformer against sum_fc: accuracy on digit_sum_digits: 30.0 points higher [")
    assert said.endswith("; trains 2.0x slower.")
