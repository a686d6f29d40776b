from dataclasses import asdict, replace

import pytest
from gate_builders import CASE
from record_builders import record

from vitcnn.gate.settings import flat, other_meaning, other_models
from vitcnn.recipes.parts import Affine, Flip
from vitcnn.recipes.small import DIGITS_CNN, DIGITS_VIT


def of(**settings):
    return record(CASE, question="accuracy", **settings)


def recipe(entry=DIGITS_CNN, **changed):
    return of(training=asdict(replace(entry, **changed)))


def pretrained(made_as, **changed):
    made_by = {"task": "glyphs62", "recipe": asdict(replace(DIGITS_CNN, **changed))}
    return of(weights="glyphs62", weights_made_by=made_by, weights_made_as=made_as)


def between(before, now):
    return other_meaning([before] * 5, [now]).removesuffix(". If this is intended, record the baseline again")


@pytest.mark.parametrize(
    "before, now, differs",
    [
        (of(data_sha256="a" * 64), of(data_sha256="b" * 64), f"data_sha256 {'a' * 40} -> {'b' * 40}"),
        (of(), of(weights_sha256="b" * 64), f"weights_sha256 none -> {'b' * 40}"),
        (of(timer=None), of(timer="event"), "timer null -> event"),
        (of(), of(garbage="not collected"), "garbage none -> not collected"),
        (of(modes="tracemalloc"), of(), "modes tracemalloc -> none"),
        (of(corruptions=[{"name": "blur"}]), of(corruptions=[{"name": "fog"}]), "corruptions.0.name blur -> fog"),
        (of(images=16), of(images=32), "images 16 -> 32"),
        (of(num_train_images=1442), of(num_train_images=100), "num_train_images 1442 -> 100"),
        (of(layout="channels_last"), of(layout="contiguous"), "layout channels_last -> contiguous"),
        (of(box={"a": {"x": 1}}), of(box={"a": {"y": 1}}), "box.a.x 1 -> none, box.a.y none -> 1"),
        (recipe(epochs=8), recipe(epochs=9), "training.epochs 8 -> 9"),
        (pretrained("a", epochs=1), pretrained("b", epochs=2), "weights_made_by.recipe.epochs 1 -> 2"),
        (
            recipe(augmentation=()),
            recipe(augmentation=(Flip(),)),
            "training.augmentation.length 0 -> 1, training.augmentation.0.kind none -> flip, "
            "training.augmentation.0.share none -> 0.5",
        ),
        (
            recipe(augmentation=(Affine(degrees=5.0),)),
            recipe(augmentation=(Affine(degrees=9.0),)),
            "training.augmentation.0.degrees 5.0 -> 9.0",
        ),
    ],
)
def test_what_gives_a_number_its_meaning_must_be_equal(before, now, differs):
    assert between(before, now) == f"its settings differ from the baseline: {differs}"


def test_many_differences_are_counted():
    text = between(recipe(DIGITS_CNN), recipe(DIGITS_VIT))
    assert text.startswith("its settings differ from the baseline: training.")
    assert text.endswith(" more")
    before, now = ({f"setting{number}": value for number in range(6)} for value in "ab")
    assert between(of(**before), of(**now)).endswith("setting4 a -> b and 1 more")
    assert between(of(**before), of(**{**now, "setting5": "a"})).endswith("setting4 a -> b")


def test_other_data_is_named_first():
    before, now = ({**{f"setting{number}": value for number in range(6)}, "data_sha256": value} for value in "ab")
    assert between(of(**before), of(**now)).startswith("its settings differ from the baseline: data_sha256 a -> b, ")


@pytest.mark.parametrize(
    "before, now",
    [
        (of(), of()),
        (of(preset="smoke", seeds=[0, 1], rounds=5), of(preset="full", seeds=[2, 3], rounds=50)),
        (of(pretraining={"training_time_s": 3.1}), of(pretraining={"training_time_s": 3.2})),
        (of(train_images_on="device"), of(train_images_on="host")),
        (recipe(source="a page"), recipe(source="another page")),
        (pretrained("made by old code"), pretrained("made by new code")),
        (of(weights="glyphs62", weights_made_as="a"), pretrained("b")),
        (of(), of(images=16)),
        (of(), recipe()),
    ],
    ids=[
        "equal",
        "neutral",
        "made again",
        "other memory",
        "source",
        "code that made weights",
        "an older record of weights",
        "an older record without a setting",
        "an older record without a recipe",
    ],
)
def test_the_rest_may_differ(before, now):
    assert between(before, now) == ""


def test_a_field_that_an_older_recipe_lacks_counts_as_its_default():
    older = asdict(DIGITS_CNN)
    del older["test_time"], older["weights"]
    assert between(of(training=older), recipe()) == ""
    assert between(of(training=older), recipe(test_time="flip")) == (
        "its settings differ from the baseline: training.test_time none -> flip"
    )


def test_a_field_that_an_older_part_of_a_recipe_lacks_counts_as_its_default():
    flipped = replace(DIGITS_CNN, augmentation=(Flip(),))
    older = asdict(flipped)
    del older["augmentation"][0]["share"]
    assert between(of(training=older), recipe(flipped)) == ""


def test_what_is_no_recipe_has_no_defaults():
    assert flat({"corruptions": [{"name": "blur"}]}) == {"corruptions.length": "1", "corruptions.0.name": "blur"}


def test_one_record_of_several_is_enough():
    assert "images 1, 2 -> 1" in other_meaning([of(images=1), of(images=2)], [of(images=1)])


def test_runs_of_one_side_that_trained_different_models_are_named():
    one, other, unknown = of(untrained_sha256="a"), of(untrained_sha256="b"), of()
    assert other_models([one, one, unknown], [other]) == "", "another revision has another model"
    assert "runs of the baseline trained different models: untrained_sha256" in other_models([one, other], [other])
    assert "runs of the current revision trained different" in other_models([one], [other, other, one])
    assert between(one, other) == ""
