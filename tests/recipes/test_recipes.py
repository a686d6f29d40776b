import json
from dataclasses import asdict, replace

import pytest

from vitcnn.architectures import architecture
from vitcnn.errors import UnknownName, UserError
from vitcnn.recipes import Recipe, recipe, recipe_for, recipes
from vitcnn.recipes.parts import (
    AdamW,
    Affine,
    AlternatingFlip,
    Crop,
    Flip,
    Mix,
    Muon,
    RandomErasing,
    Sgd,
    TrivialAugment,
)
from vitcnn.recipes.small import DIGITS_CNN, DIGITS_VIT
from vitcnn.recipes.speedrun import CIFAR_SPEEDRUN_CNN
from vitcnn.recipes.study_a import STUDY_A_CNN, STUDY_A_VIT
from vitcnn.recipes.study_c import STUDY_C_CNN, STUDY_C_VIT
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
    assert entry.weights in ("random", "hub", *tasks())
    assert all(part.scale < 1 for part in entry.augmentation if isinstance(part, Affine)), "nothing would be left"
    assert json.loads(json.dumps(asdict(entry)))["optimizer"]["kind"] == entry.optimizer.kind


def test_recipe_returns_the_constant():
    assert recipe("digits_cnn") is DIGITS_CNN
    assert recipe("digits_vit") is DIGITS_VIT


def test_the_recipes_on_digits_differ_in_how_they_step_alone():
    cnn, vit = asdict(DIGITS_CNN), asdict(DIGITS_VIT)
    assert {key for key in cnn if cnn[key] != vit[key]} == {"name", "optimizer", "epochs", "batch"}


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
    mirrored |= {name for name, entry in recipes().items() if entry.test_time != "none"}
    assert not {name for name in mirrored if name.startswith(("digits_", "glyphs_", "study_a_"))}
    assert {"photos_cnn", "photos_vit", "photos_deep_cnn", "photos_deep_vit"} <= mirrored
    assert "study_e" in mirrored, "as published: its source mirrors digits"
    assert not {name for name in mirrored if "sequences_" in name}


def test_study_a_fine_tunes_the_vit_three_epochs_and_trains_the_cnn_from_scratch():
    assert (STUDY_A_VIT.weights, STUDY_A_VIT.epochs) == ("hub", 3)
    assert STUDY_A_CNN.weights == "random"


def test_study_c_is_as_its_table_says():
    common = {"epochs": 100, "batch": 128, "decay": "cosine", "weights": "random", "test_time": "none"}
    for entry in (STUDY_C_VIT, STUDY_C_CNN):
        assert {key: getattr(entry, key) for key in common} == common
    assert isinstance(STUDY_C_VIT.optimizer, AdamW)
    assert (STUDY_C_VIT.peak_learning_rate, STUDY_C_VIT.warmup_share * STUDY_C_VIT.epochs) == (1e-3, 10)
    assert [type(part) for part in STUDY_C_VIT.augmentation] == [TrivialAugment, RandomErasing, Mix]
    assert isinstance(STUDY_C_CNN.optimizer, Sgd)
    assert STUDY_C_CNN.optimizer.momentum == 0.9
    assert [type(part) for part in STUDY_C_CNN.augmentation] == [Crop, Flip]


def test_the_speed_runs_rates_are_its_sources_for_the_mean_of_a_batch():
    """The source sums the loss over 2000 images: its rate 0.053 is 106 for the mean, its decay a step stays 0.004."""
    optimizer = CIFAR_SPEEDRUN_CNN.optimizer
    assert isinstance(optimizer, Muon)
    assert optimizer.rest.peak_learning_rate == pytest.approx(106)
    assert optimizer.rest.peak_learning_rate * optimizer.rest.weight_decay == pytest.approx(0.004)
    assert (optimizer.peak_learning_rate, optimizer.momentum, optimizer.rest.momentum) == (0.24, 0.6, 0.85)


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


@pytest.mark.parametrize(
    "changed", [{"decay": "steps"}, {"steps_at": (0.5,)}, {"decay": "steps", "steps_at": (0.8, 0.6)}]
)
def test_a_decay_in_steps_says_where_in_order_and_no_other_does(changed):
    with pytest.raises(UserError, match=r"^steps_at of digits_cnn: .* shares in order where decay is steps"):
        replace(DIGITS_CNN, **changed)
