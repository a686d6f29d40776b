"""A user's own recipe, and variants of any."""

import re

import pytest

from vitcnn import recipes
from vitcnn.errors import UnknownName, UserError
from vitcnn.recipes import recipe
from vitcnn.recipes.own import GROUP, shown

MINE = """
from dataclasses import replace
from vitcnn.recipes import recipe
from vitcnn.recipes.own import GROUP

SLOW = replace(recipe("digits_vit"), name="whatever", epochs=99)
number = 3
"""


@pytest.fixture
def mine(tmp_path):
    """A function from a NAME to the reference to it."""
    (tmp_path / "mine.py").write_text(MINE)
    yield lambda name: f"{tmp_path}/mine.py:{name}"
    recipes.ask_for([])


def test_a_recipe_of_a_file_is_called_by_the_files_stem(mine):
    assert recipes.ask_for([mine("SLOW"), "digits_cnn"]) == ("mine:SLOW", "digits_cnn")
    assert (recipe("mine:SLOW").name, recipe("mine:SLOW").epochs) == ("mine:SLOW", 99)
    recipes.ask_for([])
    with pytest.raises(UnknownName, match=r"FILE\.py:NAME or package\.module:NAME for your own"):
        recipe("mine:SLOW")


def test_a_variant_says_what_is_changed_in_one_form(mine):
    asked = [
        "digits_cnn,epochs=03, batch=64",
        "digits_cnn,batch=64,epochs=3",
        f"{mine('SLOW')},peak_learning_rate=1e-3",
    ]
    names = recipes.ask_for(asked)
    assert names == ("digits_cnn,batch=64,epochs=3", "mine:SLOW,peak_learning_rate=0.001")
    one, other = map(recipe, names)
    assert (one.name, one.epochs, one.batch) == (names[0], 3, 64)
    assert (one.optimizer, one.augmentation) == (recipe("digits_cnn").optimizer, recipe("digits_cnn").augmentation)
    assert (other.peak_learning_rate, other.epochs) == (0.001, 99)


@pytest.mark.parametrize(
    "asked, said",
    [
        ("digit_cnn", "--recipe: 'digit_cnn' cannot be used."),
        ("digits_cnn,epoch=3", "--recipe: 'epoch' cannot be used. Allowed: batch, decay, epochs, "),
        ("digits_cnn,epochs", "--recipe: epochs: '' cannot be used. Allowed: a whole number."),
        ("digits_cnn,epochs=3.5", "--recipe: epochs: '3.5' cannot be used. Allowed: a whole number."),
        ("digits_cnn,", "--recipe: '' cannot be used."),
        ("digits_cnn,epochs=0", "epochs of digits_cnn: 0 cannot be used. Allowed: whole numbers from 1."),
        ("digits_cnn,peak_learning_rate=nan", "nan cannot be used. Allowed: numbers above 0."),
        ("digits_cnn,label_smoothing=1", "1.0 cannot be used. Allowed: shares from 0, below 1."),
        ("digits_cnn,weights=", "weights of digits_cnn: '' cannot be used. Allowed: random, hub, file:PATH"),
        ("digits_cnn,weights=file:", "weights of digits_cnn: 'file:' cannot be used. Allowed: random, hub, file:PATH"),
        ("mine.py:SLOW", "There is no file "),
    ],
)
def test_what_cannot_be_used_is_one_error(asked, said):
    with pytest.raises(UserError, match=re.escape(said)):
        recipes.ask_for([asked])


def test_a_file_of_weights_is_known_by_its_name_and_found_where_it_lies(mine, tmp_path):
    path = tmp_path / "an,odd.safetensors"
    assert recipes.ask_for([f"digits_cnn,epochs=3,weights=file:{path}"]) == (
        "digits_cnn,epochs=3,weights=file:an,odd.safetensors",
    )
    (name,) = recipes.ask_for([f"digits_cnn,weights=file:{tmp_path}/b.safetensors, epochs=3"])
    assert name == "digits_cnn,epochs=3,weights=file:b.safetensors"
    assert (recipe(name).weights, recipe(name).name) == (f"file:{tmp_path}/b.safetensors", name)
    with pytest.raises(UserError, match="own recipes of different names"):
        recipes.ask_for([f"digits_cnn,weights=file:{tmp_path}/{folder}/c.safetensors" for folder in ("one", "other")])


def test_a_path_cannot_be_part_of_the_name_of_a_recipe(tmp_path):
    with pytest.raises(UserError, match="The name of a recipe contains no path: name the file on the command line"):
        recipe(f"digits_cnn,weights=file:{tmp_path}/b.safetensors")


def test_a_recipe_starts_from_other_weights(mine, tmp_path):
    assert recipes.starting_from("digits_cnn", "hub") == "digits_cnn,weights=hub"
    assert recipes.starting_from("transfer_lora_vit", "hub") == "transfer_lora_vit,weights=hub"
    assert recipes.starting_from("transfer_lora_vit,weights=hub", "shapes") == "transfer_lora_vit,weights=shapes"
    assert recipes.starting_from("transfer_lora_vit,epochs=3", "random") == "transfer_lora_vit,epochs=3,weights=random"
    name = recipes.starting_from("transfer_lora_vit,weights=hub", f"file:{tmp_path}/b.safetensors")
    assert name == "transfer_lora_vit,weights=file:b.safetensors"
    assert recipe(name).weights == f"file:{tmp_path}/b.safetensors"


def test_two_files_of_one_name_are_refused(mine, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.py").write_text(MINE.replace("99", "98"))
    with pytest.raises(UserError, match="Two files have the same name: rename one, or measure one after the other"):
        recipes.ask_for([mine("SLOW"), f"{tmp_path}/other/mine.py:SLOW"])


def test_what_is_no_recipe_is_refused(mine):
    with pytest.raises(UserError, match=r"Allowed: a Recipe\. It is of type int\."):
        recipes.ask_for([mine("number")])


def test_a_package_offers_a_recipe_by_a_name_of_its_own(mine, offering, tmp_path, monkeypatch):
    (tmp_path / "recipes_of_a_package.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    offering(GROUP, slow="recipes_of_a_package:SLOW")
    assert recipes.ask_for(["slow,epochs=4"]) == ("slow,epochs=4",)
    assert (recipe("slow").epochs, recipe("slow,epochs=4").epochs) == (99, 4)
    offering(GROUP, digits_cnn="recipes_of_a_package:SLOW")
    with pytest.raises(UserError, match="registers the same name: it must choose another one"):
        recipes.ask_for(["digits_cnn"])


def test_changes_alone_are_of_each_cases_own_recipe():
    assert recipes.ask_for(["model_px=112, epochs=03"]) == (",epochs=3,model_px=112",)
    assert recipes.changed("digits_cnn", "epochs=3") == "digits_cnn,epochs=3"
    assert recipes.changed("digits_cnn,batch=8,epochs=5", "epochs=3") == "digits_cnn,batch=8,epochs=3"


@pytest.mark.parametrize(
    "asked, said",
    [
        ("epoch=3", "--recipe: 'epoch' cannot be used. Allowed: batch, decay, epochs, "),
        ("epochs=0", "epochs of "),
        ("weights=file:mine.safetensors", "Name the file with --weights."),
    ],
)
def test_changes_that_cannot_be_made_are_one_error(asked, said):
    with pytest.raises(UserError, match=re.escape(said)):
        recipes.ask_for([asked])


@pytest.mark.parametrize("path", ["start.safetensors", "folder/start.safetensors", "/a/start.safetensors"])
def test_a_file_of_weights_is_shown_by_its_name_alone(path):
    assert shown(f"file:{path}") == "file:start.safetensors"
