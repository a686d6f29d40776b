from dataclasses import replace

import numpy as np
import pytest
from miniature import imported_by

from vitcnn.errors import MissingData, UnknownName, UserError
from vitcnn.recipes import recipe
from vitcnn.spec import Data, Split
from vitcnn.tasks import Tasks, data_root, tasks
from vitcnn.training.objectives import OBJECTIVES


def silent(_done, _total, _text):
    pass


def photographs(folder, classes=("cat", "dog")):
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in (1, 2):
            (folder / name / f"{number}.png").write_bytes(b"")
    return f"folder:{folder}"


def test_catalogue_holds_every_task_by_name():
    of_images = {
        "digits",
        "glyphs",
        "glyphs62",
        "shapes",
        "defects",
        "defects512",
        "mnist",
        "mnist_subset",
        "fashion_mnist",
        "cifar10",
    }
    asked = ("digit_sum", "digit_anchor", "digit_sum_published", "digit_anchor_published")
    of_sequences = {f"{what}_{source}" for what in asked for source in ("digits", "glyphs", "mnist")}
    assert {name for name, entry in tasks().items() if entry.kind == "image"} == of_images
    assert {name for name, entry in tasks().items() if entry.kind != "image"} == of_sequences
    assert all(name == entry.name for name, entry in tasks().items())


@pytest.mark.parametrize("entry", tasks().values(), ids=lambda entry: entry.name)
def test_every_task_has_a_source_a_class_for_each_logit_and_recipes(entry):
    assert entry.source
    assert len(set(entry.classes)) == len(entry.classes)
    assert entry.shape.num_classes == (len(entry.classes) if entry.objective == "classification" else 1)
    assert entry.kind != "image" or entry.objective == "classification"
    assert (entry.kind == "image") == (entry.shape.length is None)
    assert entry.objective in OBJECTIVES
    for suffix in ("cnn", "vit", "deep_cnn", "deep_vit"):
        assert recipe(f"{entry.recipes}_{suffix}")


def test_walking_the_catalogue_imports_nothing_heavy():
    code = "from vitcnn.tasks import image_folder, tasks; tasks()"
    assert imported_by(code, "torch", "sklearn", "matplotlib") == set()


def test_data_are_loaded_once(tmp_path):
    ours = Tasks(tmp_path)
    assert ours.data("digits", silent) is ours.data("digits", silent)


def test_data_that_cannot_be_had_are_asked_for_once(tmp_path, monkeypatch):
    calls = []

    def loader(_root, _progress):
        calls.append(1)
        raise MissingData("mnist", "no network")

    monkeypatch.setitem(tasks(), "mnist", replace(tasks()["mnist"], loader=loader))
    ours = Tasks(tmp_path)
    for _ in range(2):
        with pytest.raises(MissingData, match="no network"):
            ours.data("mnist", silent)
    assert len(calls) == 1


def test_an_unknown_task_offers_the_nearest_and_a_folder(tmp_path):
    for option in ("--task", "task"):
        words = rf"^{option}: 'digit' cannot be used\. Allowed: .*folder:PATH.*Did you mean digits"
        with pytest.raises(UnknownName, match=words):
            Tasks(tmp_path, asked=("digit",), option=option)
    with pytest.raises(UnknownName, match=r"^--task: 'digit' cannot be used"):
        Tasks(tmp_path, asked=("digits", "digit"))


def test_folders_are_known_by_their_names(tmp_path):
    ours = Tasks(tmp_path, asked=(photographs(tmp_path / "my pets"), "digits"))
    assert ours.asked == ("folder:my-pets", "digits")
    assert ours.task("folder:my-pets").classes == ("cat", "dog")
    assert "folder:my-pets" not in Tasks(tmp_path).names()


def test_two_folders_of_one_name_are_refused(tmp_path):
    asked = [photographs(tmp_path / parent / "pets") for parent in ("a", "b")]
    with pytest.raises(
        UserError, match=r"--task: 'folder:pets' cannot be used\. Allowed: folders and files of different names"
    ):
        Tasks(tmp_path, asked=asked)


def test_data_root_is_asked_else_the_variable_else_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VITCNN_DATA", str(tmp_path / "variable"))
    assert data_root(tmp_path / "asked") == tmp_path / "asked"
    assert data_root() == tmp_path / "variable"
    monkeypatch.delenv("VITCNN_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert data_root() == tmp_path / "vitcnn" / "data"


def test_a_file_as_data_root_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"--data-root: .*file' cannot be used\. Allowed: a folder"):
        data_root(tmp_path / "file")


def test_the_sum_of_data_tells_any_difference():
    def data(images, labels):
        split = Split(images=np.array(images, np.uint8), labels=np.array(labels))
        return Data(train=split, test=split)

    one = data([[1, 2]], [0])
    assert one.sha256 == data([[1, 2]], [0]).sha256
    others = [data([[1, 3]], [0]), data([[1, 2]], [1]), data([[1], [2]], [0])]
    assert len({one.sha256, *(other.sha256 for other in others)}) == 4
