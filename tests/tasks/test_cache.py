from pathlib import Path

import numpy as np
import pytest

from vitcnn.spec import Data, Split
from vitcnn.tasks.cache import ARRAYS, cached


def part(seed, count):
    rng = np.random.default_rng(seed)
    return Split(
        images=rng.integers(0, 256, (count, 1, 4, 4), dtype=np.uint8), labels=rng.integers(0, 3, count, dtype=np.int64)
    )


MADE = Data(train=part(0, 50), test=part(1, 20))


class Maker:
    """Makes `MADE` and counts how often."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return MADE


def same(one, other):
    pairs = [(getattr(one, name), getattr(other, name)) for name in ("train", "test")]
    arrays = [(getattr(a, kind), getattr(b, kind)) for a, b in pairs for kind in ("images", "labels")]
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in arrays)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "made" / "task-0123.npz"


def test_data_are_made_once_and_then_read(path):
    make = Maker()
    assert same(cached(path, make), MADE)
    assert same(cached(path, make), MADE)
    assert make.times == 1


def test_file_is_an_uncompressed_npz_and_nothing_else_is_left(path):
    cached(path, Maker())
    assert list(path.parent.iterdir()) == [path]
    with np.load(path) as file:
        assert sorted(file.files) == ["made_for", "test_images", "test_labels", "train_images", "train_labels"]
        assert np.array_equal(file["test_labels"], MADE.test.labels)
    assert path.stat().st_size > 50 * 16 + 20 * 16 + 70 * 8


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-200])


def flip_a_byte_of_an_image(path):
    content = bytearray(path.read_bytes())
    content[content.index(MADE.train.images.tobytes()) + 7] ^= 1
    path.write_bytes(content)


def leave_an_array_out(path):
    np.savez(path, **{name: np.zeros(1) for name in ARRAYS[:-1]})


def write_other_arrays(path):
    np.savez(path, **{name: np.zeros((3, 1, 4, 4), dtype=np.uint8) for name in ARRAYS})


def swap_two_labels_and_their_marker_stays(path):
    with np.load(path) as file:
        kept = dict(file)
    kept["test_labels"] = kept["test_labels"][::-1]
    np.savez(path, **kept)


def put_another_tasks_file_there(path):
    other = path.with_name("other-0123.npz")
    cached(other, Maker())
    other.replace(path)


def claim_to_be_huge(path):
    """An array whose header says that it takes 8 TB."""
    with np.load(path) as file:
        kept = dict(file)
    np.savez(path, **kept)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"(50, 1, 4, 4)", b"(5" + b"0" * 9 + b",)"))


def empty(path):
    path.write_bytes(b"")


def write_something_else(path):
    path.write_text("no archive")


@pytest.mark.parametrize(
    "damage",
    [
        cut_short,
        flip_a_byte_of_an_image,
        leave_an_array_out,
        write_other_arrays,
        swap_two_labels_and_their_marker_stays,
        put_another_tasks_file_there,
        claim_to_be_huge,
        empty,
        write_something_else,
    ],
)
def test_a_damaged_file_is_made_anew(path, damage):
    cached(path, Maker())
    damage(path)
    make = Maker()
    with pytest.warns(UserWarning, match=r"task-0123\.npz does not contain the expected data .*generated again"):
        assert same(cached(path, make), MADE)
    assert make.times == 1
    assert same(cached(path, make), MADE)
    assert make.times == 1, "what was made anew is kept"


def test_where_nothing_can_be_written_data_are_returned_with_a_warning(tmp_path):
    (tmp_path / "made").write_text("a file where the folder would be")
    make = Maker()
    for times in (1, 2):
        with pytest.warns(UserWarning, match=r"task\.npz cannot be written .*generated again in each run"):
            assert same(cached(tmp_path / "made" / "task.npz", make), MADE)
        assert make.times == times


def test_a_write_that_breaks_off_leaves_no_file(path, monkeypatch):
    def disk_full(file, **_arrays):
        Path(file).write_bytes(b"the first bytes")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", disk_full)
    with pytest.warns(UserWarning, match="No space left on device"):
        assert same(cached(path, Maker()), MADE)
    assert list(path.parent.iterdir()) == []


def test_a_write_that_breaks_off_leaves_the_old_file_as_it_was(path, monkeypatch):
    path.parent.mkdir()
    path.write_text("damaged, yet there")

    def interrupted(file, **_arrays):
        Path(file).write_bytes(b"the first bytes")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cached(path, Maker())
    assert [(file.name, file.read_text()) for file in path.parent.iterdir()] == [(path.name, "damaged, yet there")]
