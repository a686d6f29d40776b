import json
from dataclasses import asdict, replace
from typing import get_args

import pytest

from vitcnn.architectures import architecture
from vitcnn.errors import UnknownName, UserError
from vitcnn.recipes import Recipe, recipe, recipe_for, recipes
from vitcnn.recipes.parts import Affine, AlternatingFlip, Crop, Flip, Mix, Weights
from vitcnn.recipes.small import DIGITS_CNN, DIGITS_VIT
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
    assert 0 <= entry.label_smoothing < 1
    assert entry.weights in get_args(Weights)
    assert all(part.scale < 1 for part in entry.augmentation if isinstance(part, Affine)), "nothing would be left"
    assert json.loads(json.dumps(asdict(entry)))["optimizer"]["kind"] == entry.optimizer.kind


def test_recipe_returns_the_constant():
    assert recipe("digits_cnn") is DIGITS_CNN
    assert recipe("digits_vit") is DIGITS_VIT


def test_the_recipes_on_digits_differ_in_the_learning_rate_alone():
    cnn, vit = asdict(DIGITS_CNN), asdict(DIGITS_VIT)
    assert {key for key in cnn if cnn[key] != vit[key]} == {"name", "optimizer"}


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
    mirrored = {
        n for n, entry in recipes().items() if any(isinstance(p, Flip | AlternatingFlip) for p in entry.augmentation)
    }
    assert not {name for name in mirrored if name.startswith(("digits_", "glyphs_"))}
    assert {"photos_cnn", "photos_vit", "photos_deep_cnn", "photos_deep_vit"} <= mirrored


def test_augmentations_out_of_order_are_refused():
    message = (
        "augmentation of digits_cnn: 'Mix, Crop' cannot be used. Allowed: Crop, .*; then Affine, .*; then Mix. Put"
    )
    with pytest.raises(UserError, match=message):
        replace(DIGITS_CNN, augmentation=(Mix(), Crop(padding_px=2)))


def test_unknown_test_time_augmentation_is_refused():
    with pytest.raises(
        UserError, match=r"test_time of digits_cnn: 'twice' cannot be used\. Allowed: none, flip, flip_and"
    ):
        replace(DIGITS_CNN, test_time="twice")


def test_unknown_recipe_offers_the_nearest():
    with pytest.raises(UnknownName, match=r"^recipe: 'digit_cnn' cannot be used.*Did you mean digits_cnn"):
        recipe("digit_cnn")
