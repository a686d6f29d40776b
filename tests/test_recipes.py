import math
from dataclasses import asdict

import pytest

from vitcnn.architectures import architecture
from vitcnn.errors import UnknownName
from vitcnn.recipes import DIGITS_CNN, DIGITS_VIT, recipe, recipe_for, recipes
from vitcnn.spec import Recipe
from vitcnn.tasks import tasks


def test_catalogue_is_keyed_by_name():
    assert {name: entry.name for name, entry in recipes().items()} == {name: name for name in recipes()}
    assert {"digits_cnn", "digits_vit"} <= set(recipes())


@pytest.mark.parametrize("entry", recipes().values(), ids=lambda entry: entry.name)
def test_every_recipe_can_be_trained_by(entry):
    assert isinstance(entry, Recipe)
    assert entry.source
    assert entry.epochs >= 1
    assert entry.batch >= 1
    assert 0 < entry.peak_learning_rate < 1
    assert 0 <= entry.warmup_share < 1
    assert 0 <= entry.flip_share <= 1
    assert 0 <= entry.label_smoothing < 1
    assert all(0 <= beta < 1 for beta in entry.betas)
    assert all(math.isfinite(bound) and bound >= 0 for bound in asdict(entry.augmentation).values())
    assert entry.augmentation.scale < 1, "a scale of zero would leave no image"


def test_recipe_returns_the_constant():
    assert recipe("digits_cnn") is DIGITS_CNN
    assert recipe("digits_vit") is DIGITS_VIT


def test_the_recipes_on_digits_differ_in_the_learning_rate_alone():
    cnn, vit = asdict(DIGITS_CNN), asdict(DIGITS_VIT)
    assert {key for key in cnn if cnn[key] != vit[key]} == {"name", "peak_learning_rate"}


@pytest.mark.parametrize(
    "name, expected",
    [
        ("lenet", "digits_cnn"),
        ("vit_micro", "digits_vit"),
        ("resnet18", "digits_deep_cnn"),
        ("vit_hybrid", "digits_deep_vit"),
        ("timm/mobilenetv3_small_100", "digits_deep_cnn"),
    ],
)
def test_an_architecture_has_the_recipe_of_its_size_and_kind(name, expected):
    assert recipe_for(tasks()["digits"], architecture(name)).name == expected


def test_digits_are_never_mirrored():
    mirrored = {name for name, entry in recipes().items() if entry.flip_share}
    assert mirrored == {"photos_cnn", "photos_vit", "photos_deep_cnn", "photos_deep_vit"}


def test_unknown_recipe_offers_the_nearest():
    with pytest.raises(UnknownName, match=r"^recipe: 'digit_cnn' cannot be used.*Did you mean digits_cnn"):
        recipe("digit_cnn")
