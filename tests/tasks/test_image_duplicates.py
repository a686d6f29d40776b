"""One photograph in several files: never on both sides of a split."""

import warnings

import numpy as np
import pytest
from PIL import Image

from vitcnn.errors import UserError
from vitcnn.tasks import image_folder
from vitcnn.tasks.image_folder import folder_task


def silent(done, total, text):
    pass


def save(path, number, label=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (number, 100 * label, 0)).save(path)


def load(root, data_root):
    return folder_task(root).loader(data_root, silent)


def shown(split):
    """Return the number and the label of each image."""
    return sorted((int(image[0, 9, 9]), int(label)) for image, label in zip(split.images, split.labels, strict=True))


@pytest.fixture
def root(tmp_path):
    """Two classes of 20 files each, which show 10 photographs each."""
    for label, name in enumerate(("cat", "dog")):
        for number in range(20):
            save(tmp_path / "photos" / name / f"{number:02}.png", number // 2, label)
    return tmp_path / "photos"


def test_copies_stay_on_one_side_of_our_own_split(root, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = load(root, tmp_path)
    train, test = shown(data.train), shown(data.test)
    assert len(train) + len(test) == 40
    assert len(test) == 8, "a fifth of each class"
    assert not set(train) & set(test)
    assert data.settings["num_images_of_both_parts"] == 0


def test_what_lies_in_two_classes_is_never_for_testing(root, tmp_path):
    for number in range(9):
        save(root / "dog" / f"cat{number}.png", number, label=0)
    with pytest.warns(UserWarning, match="are in several classes and are kept in each"):
        test = load(root, tmp_path).test
    cats = {number for number, label in shown(test) if label == 0}
    assert cats == {9}, "the only one that does not lie among the dogs too"


def test_a_class_of_one_photograph_is_refused(root, tmp_path):
    for path in (root / "cat").iterdir():
        save(path, 7)
    with pytest.raises(UserError, match="Class cat is left without an image for training: add some that differ"):
        load(root, tmp_path)


@pytest.fixture
def parted(tmp_path):
    """The user's own parts: 6 and 3 files a class, all different."""
    for label, name in enumerate(("cat", "dog")):
        for number in range(9):
            part = "train" if number < 6 else "test"
            save(tmp_path / "parted" / part / name / f"{number}.png", number, label)
    return tmp_path / "parted"


def test_what_both_parts_of_the_user_hold_is_named_and_left_out_of_training(parted, tmp_path):
    before = load(parted, tmp_path)
    save(parted / "train" / "cat" / "copy.png", 7)
    for _ in ("made", "kept"):
        with pytest.warns(UserWarning, match="1 of 19 images are in the test part too") as caught:
            data = load(parted, tmp_path)
        (message,) = (str(entry.message) for entry in caught)
        assert "left out of training: train/cat/copy.png (the same file as test/cat/7.png)" in message
        assert data.sha256 == before.sha256
        assert data.settings["num_images_of_both_parts"] == 1
        assert data.settings["images_of_both_parts"] == ["train/cat/copy.png"]
        assert data.settings["num_unreadable_images"] == 0


def test_a_file_that_changes_after_its_sum_was_taken_is_refused(parted, tmp_path, monkeypatch):
    sums = image_folder.sums_of

    def then_changed(folder, progress):
        found = sums(folder, progress)
        save(parted / "test" / "dog" / "8.png", 200)
        return found

    monkeypatch.setattr(image_folder, "sums_of", then_changed)
    with pytest.raises(UserError, match=r"test/dog/8\.png changed while it was read: run again"):
        load(parted, tmp_path)
    assert not list(tmp_path.rglob("*.npz"))


def test_a_folder_of_a_long_name_is_kept(parted, tmp_path):
    long = parted.rename(tmp_path / ("long" * 60))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = load(long, tmp_path)
        assert np.array_equal(load(long, tmp_path).train.images, first.train.images)
    assert len(list(tmp_path.rglob("made/*.npz"))) == 1
