import string
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from sklearn.linear_model import LogisticRegression

from vitcnn.architectures.cnn import LENET
from vitcnn.errors import UserError
from vitcnn.recipes.small import GLYPHS_CNN
from vitcnn.tasks import glyphs
from vitcnn.tasks.glyphs import GLYPHS, GLYPHS62, TEST_FONTS, TRAIN_FONTS, make_glyphs
from vitcnn.training import Resident, fit, predict

CHARACTERS62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def silent(done, total, text):
    pass


def make(characters=string.digits, *, num_train=120, num_test=40, seed=0):
    return make_glyphs(characters, num_train=num_train, num_test=num_test, seed=seed, progress=silent)


@pytest.fixture(scope="module")
def digits():
    return make(num_train=5_000, num_test=1_000)


def test_tasks_describe_their_data():
    assert (GLYPHS.name, GLYPHS62.name) == ("glyphs", "glyphs62")
    assert (GLYPHS.shape.px, GLYPHS.shape.channels, GLYPHS.shape.num_classes) == (28, 1, 10)
    assert (GLYPHS62.shape.px, GLYPHS62.shape.channels, GLYPHS62.shape.num_classes) == (28, 1, 62)
    assert "".join(GLYPHS.classes) == "0123456789"
    assert "".join(GLYPHS62.classes) == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_images_are_white_on_black(digits):
    for part, count in ((digits.train, 5_000), (digits.test, 1_000)):
        assert part.images.dtype == np.uint8
        assert part.images.shape == (count, 1, 28, 28)
        assert part.labels.dtype == np.int64
        ends = part.images[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]]
        assert ends.mean() < 20
        assert np.median(part.images.reshape(count, -1).max(axis=1)) > 150


def test_classes_are_balanced_and_shuffled(digits):
    assert np.array_equal(np.bincount(digits.train.labels), [500] * 10)
    assert np.array_equal(np.bincount(digits.test.labels), [100] * 10)
    assert len(set(digits.train.labels[:50])) > 5, "not sorted by class"


@pytest.mark.parametrize("num_train, num_test", [(1, 1), (7, 3), (1_003, 62), (5, 0)])
def test_any_number_of_images_can_be_made(num_train, num_test):
    made = make(CHARACTERS62, num_train=num_train, num_test=num_test)
    for part, count in ((made.train, num_train), (made.test, num_test)):
        assert part.images.shape == (count, 1, 28, 28)
        counts = np.bincount(part.labels, minlength=62)
        assert counts.sum() == count
        assert counts.max() - counts.min() <= 1


def test_same_seed_makes_the_same_images_and_another_seed_others():
    assert make(seed=5).sha256 == make(seed=5).sha256
    assert make(seed=5).sha256 != make(seed=6).sha256


def test_no_tensor_lives_on_behind_the_arrays_that_were_drawn(digits):
    """A case that is the first to need them would be told that it leaks."""
    for part in (digits.train, digits.test):
        assert part.images.base is part.labels.base is None


def test_no_two_images_are_alike(digits):
    images = [image.tobytes() for part in (digits.train, digits.test) for image in part.images]
    assert len(set(images)) == len(images)


def test_test_fonts_are_of_other_families_than_training_fonts():
    def families(fonts):
        paths = [
            Path(find_spec(package).origin).parent / "files" / name for package in fonts for name in fonts[package]
        ]
        return {ImageFont.truetype(path, 10).getname()[0].rsplit(" ", 1)[0] for path in paths}

    assert TRAIN_FONTS.keys().isdisjoint(TEST_FONTS)
    assert families(TRAIN_FONTS)
    assert families(TEST_FONTS)
    assert families(TRAIN_FONTS).isdisjoint(families(TEST_FONTS))


def drawn_by_hand(character, path):
    """Return `character` in the middle of 28x28 pixels: as an image of no distortion should look."""
    large = Image.new("L", (280, 280))
    ImageDraw.Draw(large).text((140, 140), character, fill=255, font=ImageFont.truetype(path, 230), anchor="mm")
    ink = large.crop(large.getbbox())
    middle = Image.new("L", (280, 280))
    middle.paste(ink, ((280 - ink.width) // 2, (280 - ink.height) // 2))
    return np.asarray(middle.resize((28, 28), Image.Resampling.BOX), dtype=float).ravel()


@pytest.mark.parametrize("characters, at_least", [(string.digits, 0.97), (CHARACTERS62, 0.9)])
@pytest.mark.parametrize("part", ["train", "test"])
def test_undistorted_images_look_like_their_labels(monkeypatch, characters, at_least, part):
    for bound in ("MAX_DEGREES", "MAX_SHEAR", "MAX_SCALE", "MAX_SHIFT_PX", "MAX_NOISE"):
        monkeypatch.setattr(glyphs, bound, 0)
    split = getattr(make(characters, num_train=620, num_test=620), part)
    paths = glyphs.font_files({"train": TRAIN_FONTS, "test": TEST_FONTS}[part])
    templates = np.array([drawn_by_hand(character, path) for path in paths for character in characters])
    likeness = np.corrcoef(split.images.reshape(620, -1), templates)[:620, 620:]
    assert (likeness.argmax(axis=1) % len(characters) == split.labels).mean() >= at_least


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_logistic_regression_stays_under_90_percent(digits):
    flat = digits.train.images.reshape(5_000, -1) / np.float32(255)
    model = LogisticRegression(max_iter=30).fit(flat, digits.train.labels)
    assert model.score(flat, digits.train.labels) > 0.6, "it did learn"
    assert 0.5 < model.score(digits.test.images.reshape(1_000, -1) / np.float32(255), digits.test.labels) < 0.9


def test_a_small_cnn_reaches_92_percent_on_fonts_it_never_saw(digits, cpu):
    torch.manual_seed(0)
    model = LENET.build(GLYPHS.shape)
    recipe = replace(GLYPHS_CNN, epochs=4)
    settings = {"device": cpu, "layout": torch.contiguous_format, "precision": "fp32", "mode": "eager"}
    fit(model, Resident.of(digits.train, cpu, num_classes=10), recipe=recipe, seed=0, **settings)
    test = Resident.of(digits.test, cpu, num_classes=10)
    answers = predict(model, test, precision="fp32", layout=torch.contiguous_format)
    assert (answers.argmax(dim=1) == test.labels).double().mean() >= 0.92


def test_progress_goes_up_to_the_number_of_images():
    told = []
    make_glyphs(
        "01", num_train=2_500, num_test=10, seed=0, progress=lambda done, total, _text: told.append((done, total))
    )
    assert [done for done, _ in told] == [1_000, 2_000, 2_500, 2_510]
    assert {total for _, total in told} == {2_510}


def test_images_are_made_once_and_kept_by_what_they_depend_on(tmp_path, monkeypatch):
    monkeypatch.setattr(glyphs, "NUM_TRAIN", 30)
    monkeypatch.setattr(glyphs, "NUM_TEST", 20)
    made = GLYPHS.loader(tmp_path, silent)
    assert (len(made.train.labels), len(made.test.labels)) == (30, 20)
    with monkeypatch.context() as patch:
        patch.setattr(glyphs, "make_glyphs", lambda *_unused, **_more: pytest.fail("made anew"))
        assert GLYPHS.loader(tmp_path, silent).sha256 == made.sha256
    assert len(GLYPHS62.loader(tmp_path, silent).train.labels) == 30
    monkeypatch.setattr(glyphs, "VERSION", 0)
    GLYPHS.loader(tmp_path, silent)
    monkeypatch.setattr(glyphs, "TEST_FONTS", {"font_caladea": ("Caladea-Bold.ttf",)})
    GLYPHS.loader(tmp_path, silent)
    names = [path.name.split("-")[0] for path in (tmp_path / "made").iterdir()]
    assert sorted(names) == ["glyphs", "glyphs", "glyphs", "glyphs62"]


@pytest.mark.parametrize("package, name", [("font_of_nobody", "Any.ttf"), ("font_caladea", "Nothing.ttf")])
def test_a_missing_font_says_what_to_install(monkeypatch, package, name):
    monkeypatch.setattr(glyphs, "TEST_FONTS", {package: (name,)})
    with pytest.raises(UserError, match=f"{package}/{name}.*pip install {package.replace('_', '-')}"):
        make()
