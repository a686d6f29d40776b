"""Where a case's trace lies."""

from pathlib import Path

import pytest

from vitcnn.tracing.names import case_folder


def test_an_id_is_a_folder_for_each_axis():
    assert case_folder("latency/vit_tiny/224/b1/fp32/eager") == Path("latency/vit_tiny/224/b1/fp32/eager")
    assert case_folder("accuracy/lenet/digits/digits_cnn,epochs=2/s3") == Path(
        "accuracy/lenet/digits/digits_cnn,epochs=2/s3"
    )


@pytest.mark.parametrize("strange", ["../../etc", "./..", "a//b", "test_x.py::test[a b]", "x" * 400, "C:\\a", "\n"])
def test_no_id_leaves_the_folder_or_has_a_name_that_no_file_system_takes(strange):
    folder = case_folder(strange)
    assert not folder.is_absolute()
    assert all(set(part) != {"."} and len(part) < 140 for part in folder.parts)
    assert not set('\\:*?"<>|\n ').intersection(str(folder))


def test_ids_that_would_have_one_name_have_two():
    assert case_folder("a::b") != case_folder("a:b")
