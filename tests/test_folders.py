import pytest

from vitcnn.errors import UserError
from vitcnn.folders import nearest_existing, require_writable


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
