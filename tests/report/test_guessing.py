"""Who answers no better than by guessing. Two seeds on 100 images; ten classes unless said."""

from dataclasses import replace

import pytest
from record_builders import accuracy, latency, run_of
from report_builders import table

from vitcnn.report.guessing import guessing


def trained(right, *, classes=10, epochs=2, **more):
    one = accuracy("vit_tiny", right=[[1] * right + [0] * (100 - right)] * 2, **more)
    known = {"classes": [str(number) for number in range(classes)], "training": {"epochs": epochs}}
    return replace(one, settings={**one.settings, **known})


@pytest.mark.parametrize("right, classes, guesses", [(10, 10, True), (14, 10, True), (40, 10, False), (55, 2, True)])
def test_an_interval_that_reaches_down_to_chance_is_said(right, classes, guesses):
    assert bool(guessing([trained(right, classes=classes)])) == guesses


def test_it_says_how_to_train_longer():
    (sentence,) = guessing([trained(9, epochs=3, recipe="digits_vit,batch=8")])
    assert sentence == (
        "vit_tiny on digits may be no better than guessing (1 of 10) after 3 epochs. "
        "To train longer, use for example --recipe digits_vit,epochs=15."
    )
    assert "after 1 epoch." in guessing([trained(9, epochs=1)])[0]


def test_what_has_no_classes_or_trains_nothing_is_passed_over():
    one = accuracy("lenet", right=[[1, 0]])
    assert guessing([one, latency("lenet", 0.1), replace(one, settings={**one.settings, "classes": []})]) == []


def test_it_stands_below_the_table():
    text = table(run_of(trained(10)), width=200)
    assert text.index("Shown: ") < text.index("vit_tiny on digits may be no better than guessing")
