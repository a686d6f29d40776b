import json
import os
import re
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torchvision.datasets import folder

from vitcnn.errors import UserError
from vitcnn.tasks import image_folder
from vitcnn.tasks.image_folder import SUFFIXES, folder_task
from vitcnn.tasks.pictures import pictures

RED, GREEN = (255, 0, 0), (0, 255, 0)


def silent(done, total, text):
    pass


def save(path, color=RED, size=(16, 12)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)


def fill(root, counts, blue=0):
    """Write images, all different: their red is the number in the class, their green that of the class."""
    for label, (name, count) in enumerate(counts.items()):
        for number in range(count):
            save(root / name / f"{number:02}.png", (number, 10 * label, blue))
    return root


def load(root, data_root):
    return folder_task(root).loader(data_root, silent)


def pixels(split):
    """Return (red, green) of the middle of each image."""
    return [tuple(image[:2, 112, 112].tolist()) for image in split.images]


@pytest.fixture
def root(tmp_path):
    return fill(tmp_path / "photos", {"cat": 10, "dog": 15})


def refused(path):
    with pytest.raises(UserError) as error:
        folder_task(path)
    message = str(error.value)
    assert message.startswith(f"--task: {f'folder:{path}'!r} cannot be used. Allowed: a folder with one folder")
    return message


def test_the_task_describes_the_folder(root):
    task = folder_task(root)
    assert task.name == "folder:photos"
    assert task.classes == ("cat", "dog")
    assert (task.shape.px, task.shape.channels, task.shape.num_classes) == (224, 3, 2)
    assert task.recipes == "photos"
    assert task.source == "25 images of the user's own, a fifth of each class for testing"


@pytest.mark.parametrize("name, safe", [("My photos (2)", "My-photos--2-"), ("été", "ete"), ("a_b.c-d", "a_b.c-d")])
def test_the_name_is_made_safe(tmp_path, name, safe):
    assert folder_task(fill(tmp_path / name, {"a": 2, "b": 2})).name == f"folder:{safe}"


def test_names_of_which_nothing_is_safe_are_told_apart(tmp_path):
    names = {folder_task(fill(tmp_path / name, {"a": 2, "b": 2})).name for name in ("猫", "犬")}
    assert len(names) == 2
    assert all(re.fullmatch(r"folder:[0-9a-f]{8}", name) for name in names)


@pytest.mark.parametrize("names", [("Train", "Test"), ("training", "validation"), ("train", "TEST"), ("a", "Val")])
def test_folders_named_like_parts_are_no_classes(tmp_path, names):
    root = fill(tmp_path / "photos", dict.fromkeys(names, 2))
    with pytest.raises(UserError, match=r"looks like a part, not a class: name the parts `train` and `test`"):
        folder_task(root)


def test_no_place_on_this_machine_is_in_an_error_while_loading(tmp_path):
    """What a case says of its failure stands in the run's JSON."""
    root = fill(tmp_path / "photos", {"a": 2, "b": 2})
    for path in (root / "a").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(UserError) as caught:
        folder_task(root).loader(tmp_path / "data", silent)
    assert "folder:photos" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_relative_path_is_named_after_its_folder(root, monkeypatch):
    monkeypatch.chdir(root)
    assert folder_task(Path()).name == "folder:photos"
    monkeypatch.chdir(root / "cat")
    assert folder_task(Path("..")).name == "folder:photos"


def test_the_home_folder_is_known(root, monkeypatch):
    monkeypatch.setenv("HOME", str(root.parent))
    assert folder_task(Path("~/photos")).name == "folder:photos"


def test_no_image_is_opened_for_the_task(root, monkeypatch):
    monkeypatch.setattr(Image, "open", None)
    monkeypatch.setattr(Path, "open", None)
    assert folder_task(root).classes == ("cat", "dog")


def test_suffixes_are_those_of_torchvision_and_gif():
    assert {*folder.IMG_EXTENSIONS, ".gif"} == SUFFIXES


# wrong folders


def test_no_such_folder(tmp_path):
    assert "It cannot be listed: [Errno 2] No such file or directory" in refused(tmp_path / "none")


def test_a_file(tmp_path):
    save(tmp_path / "x.png")
    assert "Not a directory" in refused(tmp_path / "x.png")


def test_home_of_nobody():
    assert "It cannot be listed: Could not determine home" in refused(Path("~nobody-of-this-name/photos"))


@pytest.mark.parametrize("which", [".", "cat", "cat/deep"])
def test_an_unreadable_folder(root, monkeypatch, which):
    (root / "cat" / "deep").mkdir()
    iterdir = Path.iterdir

    def guarded(self):
        if self == root / which:
            raise PermissionError(13, "Permission denied", str(self))
        return iterdir(self)

    monkeypatch.setattr(Path, "iterdir", guarded)  # the tests may run as root, whom nothing is denied
    message = refused(root)
    assert f"Permission denied: '{root / which}'" in message


def test_no_class_folders(tmp_path):
    save(tmp_path / "photos" / "x.png")
    (tmp_path / "photos" / ".hidden").mkdir()
    assert "It has no class folders: move the images" in refused(tmp_path / "photos")


def test_one_class(tmp_path):
    assert "It has one class folder, cat:" in refused(fill(tmp_path / "photos", {"cat": 3}))


def test_a_class_without_an_image_file(root):
    save(root / "empty" / ".hidden.png")
    (root / "empty" / "notes.txt").touch()
    assert f"{root / 'empty'} holds 0 image files of at least 2" in refused(root)


def test_a_class_with_one_image_file_cannot_be_split(root):
    save(root / "owl" / "x.png")
    assert f"{root / 'owl'} holds 1 image files of at least 2" in refused(root)


@pytest.mark.parametrize(
    "names, message",
    [
        (["train"], "It has `train`, but neither `test` nor `val`"),
        (["test"], "It has `test`, but no `train`"),
        (["val"], "It has `val`, but no `train`"),
        (["train", "other"], "It has `train`, but neither `test` nor `val`"),
    ],
)
def test_half_a_split(tmp_path, names, message):
    for name in names:
        fill(tmp_path / "photos" / name, {"cat": 2, "dog": 2})
    assert message in refused(tmp_path / "photos")


def test_parts_of_different_classes(tmp_path):
    fill(tmp_path / "photos" / "train", {"cat": 2, "dog": 2, "owl": 1})
    fill(tmp_path / "photos" / "test", {"cat": 2, "dog": 2, "Fox": 1, "ant": 1})
    message = refused(tmp_path / "photos")
    assert "Classes owl only in `train` and Fox, ant only in `test`: both need the same." in message


def test_parts_without_classes_or_with_one(tmp_path):
    for part in ("train", "test"):
        (tmp_path / "photos" / part).mkdir(parents=True)
    assert "no class folders" in refused(tmp_path / "photos")
    for part in ("train", "test"):
        save(tmp_path / "photos" / part / "cat" / "x.png")
    assert "one class folder, cat" in refused(tmp_path / "photos")


def test_a_class_without_an_image_in_one_part(tmp_path):
    fill(tmp_path / "photos" / "train", {"cat": 1, "dog": 1})
    fill(tmp_path / "photos" / "test", {"cat": 1, "dog": 0})
    (tmp_path / "photos" / "test" / "dog").mkdir()
    assert f"{tmp_path / 'photos' / 'test' / 'dog'} holds 0 image files of at least 1" in refused(tmp_path / "photos")


def test_two_classes_that_are_one_folder(root):
    (root / "puppy").symlink_to(root / "dog")
    assert f"{root / 'puppy'} is a link to another of its folders" in refused(root)


def test_parts_that_are_one_folder(tmp_path):
    fill(tmp_path / "photos" / "train", {"cat": 2, "dog": 2})
    (tmp_path / "photos" / "test").symlink_to("train")
    assert "is a link to another of its folders" in refused(tmp_path / "photos")


def test_more_images_than_memory_holds(root, tmp_path, monkeypatch):
    monkeypatch.setattr(image_folder, "free_bytes_of_host", lambda: 24 * 3 * 224 * 224)
    with pytest.raises(UserError, match=r"25 images need 0.00376 GB of memory, and 0.00361 GB .* at most 24 images"):
        load(root, tmp_path)
    monkeypatch.setattr(image_folder, "free_bytes_of_host", lambda: 25 * 3 * 224 * 224)
    assert len(load(root, tmp_path).train.images) == 20


# the data


def test_a_fifth_of_each_class_is_for_testing_and_labels_fit(root, tmp_path):
    data = load(root, tmp_path)
    assert np.bincount(data.train.labels).tolist() == [8, 12]
    assert np.bincount(data.test.labels).tolist() == [2, 3]
    seen = pixels(data.train) + pixels(data.test)
    assert sorted(seen) == sorted([(n, 0) for n in range(10)] + [(n, 10) for n in range(15)])
    for split in (data.train, data.test):
        assert split.images.dtype == np.uint8
        assert split.images.shape[1:] == (3, 224, 224)
        assert split.images.flags.c_contiguous
        assert split.labels.dtype == np.int64
        assert [green // 10 for _, green in pixels(split)] == split.labels.tolist()
    assert data.settings["num_unreadable_images"] == 0
    assert data.settings["unreadable_images"] == []


def test_the_split_is_the_same_each_time_and_place(root, tmp_path):
    first = load(root, tmp_path / "one")
    root.rename(tmp_path / "moved")
    second = load(tmp_path / "moved", tmp_path / "two")
    assert first.sha256 == second.sha256
    assert first.settings["content_sha256"] == second.settings["content_sha256"]


def test_the_smallest_classes_have_one_image_in_each_part(tmp_path):
    data = load(fill(tmp_path / "photos", {"a": 2, "b": 3}), tmp_path)
    assert np.bincount(data.train.labels).tolist() == [1, 2]
    assert np.bincount(data.test.labels).tolist() == [1, 1]


@pytest.mark.parametrize("names, read", [(["test"], "test"), (["val"], "val"), (["test", "val", "other"], "test")])
def test_the_folders_own_split(tmp_path, names, read):
    photos = tmp_path / "photos"
    fill(photos / "train", {"cat": 3, "dog": 4})
    for number, name in enumerate(names):
        for label, kind in enumerate(("cat", "dog")):
            save(photos / name / kind / "deep" / "x.png", (100 + number, 10 * label, 0))
    data = load(photos, tmp_path)
    assert folder_task(photos).source.endswith(f"split into train and {read}")
    assert folder_task(photos).classes == ("cat", "dog")
    assert sorted(pixels(data.train)) == sorted([(n, 0) for n in range(3)] + [(n, 10) for n in range(4)])
    assert sorted(pixels(data.test)) == [(100, 0), (100, 10)]
    assert sorted(data.test.labels.tolist()) == [0, 1]


def test_a_file_in_several_classes_is_named(root, tmp_path):
    shutil.copy(root / "cat" / "00.png", root / "dog" / "copy.png")
    shutil.copy(root / "cat" / "01.png", root / "cat" / "copy.png")
    with pytest.warns(UserWarning, match="several classes") as caught:
        data = load(root, tmp_path)
    (message,) = (str(warning.message) for warning in caught)
    assert message == (
        "folder:photos: 2 of 27 images are in several classes and are kept in each: "
        "cat/00.png (the same file as dog/copy.png), dog/copy.png (the same file as cat/00.png)"
    )
    assert (len(data.train.labels) + len(data.test.labels), pixels(data.train).count((0, 0))) == (27, 2)


def test_hidden_and_other_files_are_not_read(root, tmp_path):
    save(root / ".git" / "x.png")
    save(root / "cat" / ".x.png")
    save(root / "cat" / ".thumbnails" / "x.png")
    (root / "cat" / "notes.txt").write_text("x")
    (root / "list.csv").write_text("x")
    data = load(root, tmp_path)
    assert len(data.train.images) + len(data.test.images) == 25
    assert data.settings["num_unreadable_images"] == 0


def test_names_of_any_letters_and_case(tmp_path):
    photos = tmp_path / "mes été"
    for kind, color in (("chats noirs", RED), ("犬", GREEN)):
        for number in range(2):
            path = photos / kind / "très loin" / f"é {number}.PNG"
            save(path, (*color[:2], number))
    data = load(photos, tmp_path)
    assert folder_task(photos).classes == ("chats noirs", "犬")
    assert pixels(data.train) == [(255, 0), (0, 255)]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_no_text(tmp_path):
    photos = fill(tmp_path / "photos", {"cat": 3, "dog": 3})
    (photos / "cat" / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"broken")
    with pytest.warns(UserWarning, match=r"cat/caf\\udce9.jpg"):
        data = load(photos, tmp_path)
    assert json.dumps(data.settings).encode()
    assert data.settings["unreadable_images"][0].encode() == rb"cat/caf\udce9.jpg"


def test_links_are_followed_once_and_loops_end(root, tmp_path):
    fill(tmp_path / "elsewhere", {"more": 4})
    (root / "cat" / "more").symlink_to(tmp_path / "elsewhere" / "more")
    (root / "cat" / "again").symlink_to(tmp_path / "elsewhere" / "more")
    (tmp_path / "elsewhere" / "more" / "up").symlink_to(tmp_path / "elsewhere")
    (root / "cat" / "loop").symlink_to(root / "cat")
    (root / "cat" / "all").symlink_to(root)
    (root / "dog" / "cats").symlink_to(root / "cat")
    (root / "dog" / "self").symlink_to("self")
    (root / "dog" / "nowhere").symlink_to("none")
    save(tmp_path / "one.png", (200, 10, 0))
    (root / "dog" / "link.png").symlink_to(tmp_path / "one.png")
    data = load(root, tmp_path)
    assert np.bincount(np.concatenate((data.train.labels, data.test.labels))).tolist() == [14, 16]
    assert data.settings["num_unreadable_images"] == 0


# broken images


WHOLE = {f"{number:02}" for number in range(10)}


def add_broken(cat):
    """Add one broken image of each kind to the class `cat`; return their names."""
    Image.fromarray(load_sample_image("china.jpg")).save(cat / "truncated.jpg")
    (cat / "truncated.jpg").write_bytes((cat / "truncated.jpg").read_bytes()[:20_000])
    save(cat / "cut.png", size=(300, 300))
    (cat / "cut.png").write_bytes((cat / "cut.png").read_bytes()[:60])
    (cat / "empty.png").touch()
    (cat / "text.jpg").write_text("not an image")
    (cat / "folder.png").mkdir()
    (cat / "gone.png").symlink_to("none")
    (cat / "self.png").symlink_to("self.png")
    os.mkfifo(cat / "pipe.png")
    (cat / "bomb.ppm").write_bytes(b"P6 60000 60000 255\n")
    save(cat / "secret.png")
    return sorted(f"cat/{path.name}" for path in cat.iterdir() if path.stem not in WHOLE)


def deny(monkeypatch, name):
    """Make files called `name` unreadable, for root too."""
    is_file = Path.is_file

    def guarded(self):
        if self.name == name:
            raise PermissionError(13, "Permission denied", str(self))
        return is_file(self)

    monkeypatch.setattr(Path, "is_file", guarded)


def test_broken_images_are_named_and_the_others_used(root, tmp_path, monkeypatch):
    whole = load(root, tmp_path)
    broken = add_broken(root / "cat")
    deny(monkeypatch, "secret.png")
    with pytest.warns(UserWarning, match="cannot be decoded") as caught:
        data = load(root, tmp_path)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert message.startswith("folder:photos: 10 of 35 images cannot be decoded and are left out: cat/bomb.ppm (Image")
    assert "decompression bomb" in message
    assert "cat/cut.png (" in message
    assert "cat/empty.png (cannot identify image file)" in message
    assert "folder.png" not in message
    assert message.endswith(", ...")
    assert data.settings["num_unreadable_images"] == 10
    assert data.settings["unreadable_images"] == broken
    assert data.sha256 == whole.sha256, "the others are split as if the broken ones were not there"

    monkeypatch.setattr(Image, "open", None)
    with pytest.warns(UserWarning, match="cannot be decoded") as caught:
        again = load(root, tmp_path)
    assert len(caught) == 1
    assert "10 of 35 images cannot be decoded and are left out: cat/bomb.ppm, cat/cut.png" in str(caught[0].message)
    assert again.settings == data.settings
    assert again.sha256 == data.sha256


@pytest.mark.parametrize(
    "name, reason",
    [
        ("truncated.jpg", "truncated"),
        ("folder.png", "not a file"),
        ("gone.png", "not a file, or a link to none"),
        ("pipe.png", "not a file"),
        ("secret.png", "Permission denied"),
    ],
)
def test_the_reason_is_given(root, monkeypatch, name, reason):
    add_broken(root / "cat")
    deny(monkeypatch, "secret.png")
    images, reasons = pictures([root / "cat" / name, root / "cat" / "00.png"], 224, [].append)
    assert list(reasons) == [0]
    assert reason in reasons[0]
    assert images[1, :, 0, 0].tolist() == [0, 0, 0]


def test_at_most_20_are_recorded(root, tmp_path):
    for number in range(23):
        (root / "dog" / f"x{number:02}.png").touch()
    with pytest.warns(UserWarning, match="23 of 48 images"):
        data = load(root, tmp_path)
    assert data.settings["num_unreadable_images"] == 23
    assert data.settings["unreadable_images"] == [f"dog/x{number:02}.png" for number in range(20)]


@pytest.mark.parametrize("good", [0, 1])
def test_a_class_that_keeps_too_few(tmp_path, good):
    photos = fill(tmp_path / "photos", {"ant": 4, "cat": good, "dog": 4})
    (photos / "cat").mkdir(exist_ok=True)
    (photos / "ant" / "broken.png").touch()
    for name in ("x.png", "y.png"):
        (photos / "cat" / name).touch()
    with pytest.raises(UserError, match=r"Class cat is left without an image for training: .* mend cat/x.png \(can"):
        load(photos, tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("part, word", [("train", "training"), ("test", "testing")])
def test_a_part_that_keeps_no_image_of_a_class(tmp_path, part, word):
    photos = tmp_path / "photos"
    for blue, name in enumerate(("train", "test")):
        fill(photos / name, {"cat": 2, "dog": 2}, blue)
    for path in (photos / part / "dog").iterdir():
        path.write_bytes(b"")
    with pytest.raises(UserError, match=f"Class dog is left without an image for {word}: .* mend {part}/dog/00.png"):
        load(photos, tmp_path / "data")


# what is kept


def test_the_second_load_opens_no_image(root, tmp_path, monkeypatch):
    first = load(root, tmp_path / "data")
    kept = list((tmp_path / "data" / "made").iterdir())
    assert [path.name for path in kept] == [f"folder-photos-{first.settings['content_sha256'][:16]}-v2.npz"]
    monkeypatch.setattr(Image, "open", None)
    second = load(root, tmp_path / "data")
    assert second.sha256 == first.sha256
    assert second.settings == first.settings


def test_another_version_is_kept_apart(root, tmp_path, monkeypatch):
    load(root, tmp_path)
    monkeypatch.setattr(image_folder, "VERSION", 0)
    load(root, tmp_path)
    assert len(list((tmp_path / "made").iterdir())) == 2


def change_a_pixel(root):
    save(root / "cat" / "00.png", (99, 0, 0))


def change_a_name(root):
    (root / "cat" / "00.png").rename(root / "cat" / "0.png")


def change_a_class(root):
    (root / "cat" / "00.png").rename(root / "dog" / "cat.png")


@pytest.mark.parametrize("change", [change_a_pixel, change_a_name, change_a_class])
def test_the_content_hash_changes_with_the_content(root, tmp_path, change):
    before = load(root, tmp_path).settings["content_sha256"]
    os.utime(root / "cat" / "01.png", (1, 1))
    assert load(root, tmp_path).settings["content_sha256"] == before
    change(root)
    data = load(root, tmp_path)
    assert data.settings["content_sha256"] != before
    assert ((99, 0) in pixels(data.train) + pixels(data.test)) == (change is change_a_pixel)


def test_files_that_change_after_they_were_listed(root, tmp_path):
    task = folder_task(root)
    (root / "cat" / "00.png").unlink()
    with pytest.warns(UserWarning, match=r"1 of 25 images .* cat/00.png \(not a file"):
        data = task.loader(tmp_path, silent)
    assert len(data.train.images) + len(data.test.images) == 24


@pytest.mark.parametrize("text", ["files read", "images decoded"])
def test_nothing_is_left_behind_by_a_load_that_fails(root, tmp_path, text):
    def fail(done, total, told):
        if text in told:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folder_task(root).loader(tmp_path / "data", fail)
    assert not (tmp_path / "data").exists()


def test_progress_is_told(root, tmp_path):
    told = []
    folder_task(root).loader(tmp_path, lambda *news: told.append(news))
    assert told == [(25, 25, "folder:photos: 25/25 files read"), (25, 25, "folder:photos: 25/25 images decoded")]


def test_data_that_cannot_be_kept_are_used_all_the_same(root, tmp_path):
    (tmp_path / "data").touch()
    (root / "cat" / "x.png").touch()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = load(root, tmp_path / "data")
    assert len(data.train.images) == 20
    assert data.settings["unreadable_images"] == ["cat/x.png"]
    assert len(caught) == 2


def test_images_can_be_given_to_torch(root, tmp_path):
    assert torch.from_numpy(load(root, tmp_path).test.images).shape == (5, 3, 224, 224)
