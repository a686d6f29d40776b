"""A class or a corruption that every seed became much worse in is remarked, whatever the mean says."""

from dataclasses import replace

import pytest
from record_builders import accuracy, robustness, run_of
from store_builders import baseline

from vitcnn.gate.judge import judge
from vitcnn.gate.parts_of_scores import PARTS
from vitcnn.record import Series

RIGHT = ((True, False),) * 3
CASE = accuracy("lenet", right=RIGHT).case


def of_classes(*rows, seeds=(0, 1, 2), classes=("cat", "dog")):
    """Return a record of an accuracy case whose seeds came to `rows` of scores, one for each class."""
    record = accuracy("lenet", right=RIGHT)
    series = Series(name="class_accuracy", unit="1", axes=("seed", "class"), values=tuple(rows))
    return replace(
        record, settings={**record.settings, "seeds": list(seeds), "classes": list(classes)}, series=(series,)
    )


def said(before, now, **how):
    remarks = judge([run_of(entry) for entry in now], baseline(*before), **how).remarks
    return tuple(line for line in remarks if line.startswith("Not judged"))


BEFORE = of_classes((0.90, 0.95), (0.92, 0.93), (0.94, 0.97))


def test_a_class_that_fell_for_every_seed_is_named_with_its_means_before_and_now():
    now = of_classes((0.96, 0.80), (0.97, 0.82), (0.98, 0.81))
    assert said([BEFORE], [now]) == (f"Not judged, but much worse for every seed: {CASE}: class dog 95.0 -> 81.0 %.",)
    assert said([BEFORE], [now], counts_only=True) == ()


@pytest.mark.parametrize(
    "dogs",
    [
        (0.80, 0.82, 0.88),  # the last seed fell by 9 points
        (0.86, 0.84, 0.87),  # the first two fell by 9 points
        (0.99, 0.70, 0.70),  # one seed rose
    ],
)
def test_a_class_that_fell_little_for_one_seed_is_not_named(dogs):
    assert said([BEFORE], [of_classes(*((0.9, dog) for dog in dogs))]) == ()


def test_a_score_that_a_seed_of_the_baseline_came_to_as_well_is_not_named():
    other = of_classes((0.9, 0.95), (0.9, 0.81), (0.9, 0.96), seeds=(3, 4, 5))
    fell = of_classes((0.9, 0.80), (0.9, 0.82), (0.9, 0.79))
    assert said([BEFORE], [fell])
    assert said([BEFORE, other], [fell]) == ()


def test_fewer_than_three_seeds_of_both_sides_say_nothing():
    fell = of_classes((0.9, 0.5), (0.9, 0.5), (0.9, 0.5), seeds=(1, 2, 3))
    assert said([BEFORE], [fell]) == ()


def test_seeds_of_several_runs_count_together():
    held = of_classes((0.9, 0.95), (0.9, 0.95), (0.9, 0.95), seeds=(3, 4, 5))
    fell = of_classes((0.9, 0.8), (0.9, 0.8), (0.9, 0.8))
    assert said([BEFORE, held], [fell])
    assert said([BEFORE, held], [fell, held]) == ()


def test_a_corruption_is_named_where_another_one_makes_up_for_it():
    def record(shift, blur):
        rows = tuple((((0.9, *[shift] * 5), (0.9, *[blur] * 5))) for _ in range(3))
        made = robustness("lenet", right=RIGHT, times_right=((1, 1),) * 3, accuracies=rows)
        return replace(made, settings={**made.settings, "seeds": [0, 1, 2]})

    (line,) = said([record(0.6, 0.7)], [record(0.7, 0.6)])
    assert line.endswith("robustness/lenet/digits/digits_cnn/fp32/eager: blur 70.0 -> 60.0 %.")
    assert said([record(0.6, 0.7)], [record(0.7, 0.66)]) == (), "4 points"


def test_many_are_counted():
    classes = tuple("abcdefg")
    before, now = (of_classes(*[[score] * 7] * 3, classes=classes) for score in (0.9, 0.7))
    (line,) = said([before], [now])
    assert line.endswith("class e 90.0 -> 70.0 % and 2 more.")


@pytest.mark.parametrize("without", ["seeds", "classes", "series"])
def test_records_that_lack_what_is_needed_say_nothing(without):
    fell = of_classes((0.9, 0.5), (0.9, 0.5), (0.9, 0.5))
    if without == "series":
        fell = replace(fell, series=())
    else:
        fell = replace(fell, settings={name: value for name, value in fell.settings.items() if name != without})
    assert said([BEFORE], [fell]) == ()


def test_the_series_are_those_that_records_hold():
    assert [parts.series for parts in PARTS] == ["class_accuracy", "accuracy_under_shift"]
