import contextlib

import pytest

from vitcnn.errors import UserError
from vitcnn.folders import make_own_folder, nearest_existing, require_writable, whole_folder, write_whole


def test_nearest_is_the_folder_itself_or_the_first_above_it_that_exists(tmp_path):
    assert nearest_existing(tmp_path) == tmp_path
    assert nearest_existing(tmp_path / "a" / "b") == tmp_path


def test_a_folder_that_can_be_made_is_neither_refused_nor_made(tmp_path):
    require_writable("--out", tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_below_a_file_is_refused_with_the_reason_and_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as caught:
        require_writable("--out", tmp_path / "file" / "below", "Name another.")
    allowed = "Allowed: a folder that can be written to"
    said = f"--out: '{tmp_path}/file/below' cannot be used. {allowed}. {tmp_path}/file: Not a directory. Name another."
    assert str(caught.value) == said


def test_a_file_is_written_with_its_folder_and_replaced_whole(tmp_path):
    path = tmp_path / "new" / "file.json"
    write_whole(path, "ä")
    write_whole(path, b"later")
    assert path.read_bytes() == b"later"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    write_whole(path, "before")

    def fail(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_whole(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_git_ignores_what_is_left_below_a_root_and_a_file_of_the_users_stays(tmp_path):
    assert make_own_folder(tmp_path) == tmp_path / ".vitcnn"
    ignore = tmp_path / ".vitcnn" / ".gitignore"
    assert ignore.read_text().endswith("\n*\n")
    ignore.write_text("mine")
    make_own_folder(tmp_path)
    assert ignore.read_text() == "mine"


def test_a_folder_takes_its_place_once_all_is_written(tmp_path):
    with whole_folder(tmp_path / "made" / "out") as folder:
        (folder / "a").write_text("text")
        assert not (tmp_path / "made" / "out").exists()
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["out"]
    assert (tmp_path / "made" / "out" / "a").read_text() == "text"


def test_an_empty_folder_is_filled_and_one_that_holds_something_stays(tmp_path):
    (tmp_path / "out").mkdir()
    for text in ("first", "second"):
        with contextlib.suppress(OSError), whole_folder(tmp_path / "out") as folder:
            (folder / "a").write_text(text)
    assert (tmp_path / "out" / "a").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_of_a_folder_whose_writing_fails_nothing_stays(tmp_path):
    def fail():
        with whole_folder(tmp_path / "out") as folder:
            (folder / "a").write_text("text")
            raise ValueError("half")

    with pytest.raises(ValueError, match="half"):
        fail()
    assert list(tmp_path.iterdir()) == []
