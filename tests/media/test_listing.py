from pathlib import Path

import pytest

from vitcnn.errors import UserError
from vitcnn.media.listing import images_in, kind_of, natural


def test_numbers_in_names_are_sorted_as_numbers(tmp_path):
    names = ["b.png", "10.png", "2.PNG", "a10.jpg", "a9.jpg", "A1.jpg"]
    for name in [*names, ".hidden.png", "notes.txt"]:
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in images_in(tmp_path)] == ["A1.jpg", "a9.jpg", "a10.jpg", "b.png", "2.PNG", "10.png"]


def test_names_that_differ_in_case_alone_have_one_order():
    assert sorted([Path("b"), Path("B")], key=natural) == sorted([Path("B"), Path("b")], key=natural)


def test_a_folder_without_images_says_what_it_looked_for(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match=r"It holds no file that ends in .*\.jpg"):
        images_in(tmp_path)


def test_what_an_input_is(tmp_path):
    for name in ("a.MP4", "a.jpg", "a"):
        (tmp_path / name).touch()
    kinds = {name: kind_of(tmp_path / name) for name in ("a.MP4", "a.jpg", "a", ".")}
    assert kinds == {"a.MP4": "video", "a.jpg": "image", "a": "image", ".": "folder"}
    with pytest.raises(UserError, match="It is not there"):
        kind_of(tmp_path / "nowhere.jpg")
