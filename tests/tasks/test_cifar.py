import hashlib
import io
import pickle
import tarfile
from typing import ClassVar

import numpy as np
import pytest
from torchvision import datasets

from vitcnn.errors import MissingData, UserError
from vitcnn.tasks.cifar import ARCHIVE, CIFAR10, CLASSES, FOLDER, TEST, TRAIN, cifar_task

NOWHERE = "http://127.0.0.1:9/cifar-10-python.tar.gz"
COUNT = 12
RNG = np.random.default_rng(0)


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class Python2Pickler(pickle._Pickler):
    """Pickles as Python 2 did when CIFAR-10 was made: text is bytes, and dtypes have numbers for truth values."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_bytes(self, content):
        self.write(pickle.BINSTRING + len(content).to_bytes(4, "little") + content)
        self.memoize(content)

    dispatch[bytes] = save_bytes

    def reducer_override(self, value):
        if not isinstance(value, np.dtype):
            return NotImplemented
        return np.dtype, (value.str[1:].encode(), 0, 1), value.__reduce__()[2]


def pickled(value):
    buffer = io.BytesIO()
    Python2Pickler(buffer, protocol=2).dump(value)
    return buffer.getvalue()


def batch(name):
    data = RNG.integers(0, 256, (COUNT, 3072), np.uint8)
    labels = RNG.integers(0, 10, COUNT).tolist()
    names = [f"{name}_{number}.png".encode() for number in range(COUNT)]
    return pickled({b"batch_label": name.encode(), b"data": data, b"labels": labels, b"filenames": names})


META = pickled({b"label_names": [name.encode() for name in CLASSES], b"num_cases_per_batch": COUNT})
CONTENTS = {name: batch(name) for name in (*TRAIN, *TEST)} | {"batches.meta": META}


def tar_of(contents):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(f"{FOLDER}/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


PACKED = tar_of({"readme.html": b"not asked for", **CONTENTS})


@pytest.fixture
def task(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    sums = {name: md5(content) for name, content in CONTENTS.items()}
    return cifar_task(name="tiny", urls=(NOWHERE,), md5=md5(PACKED), sums=sums, source="here")


@pytest.fixture
def unpacked(tmp_path):
    (tmp_path / FOLDER).mkdir()
    for name, content in CONTENTS.items():
        (tmp_path / FOLDER / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def packed(tmp_path):
    (tmp_path / ARCHIVE).write_bytes(PACKED)
    return tmp_path


def silent(done, total, text):
    pass


def test_a_folder_that_torchvision_reads_gives_the_same(task, unpacked, monkeypatch):
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [(name, md5(CONTENTS[name])) for name in TRAIN])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [(name, md5(CONTENTS[name])) for name in TEST])
    monkeypatch.setitem(datasets.CIFAR10.meta, "md5", md5(META))
    data = task.loader(unpacked, silent)
    for split, train, count in ((data.train, True, 5 * COUNT), (data.test, False, COUNT)):
        expected = datasets.CIFAR10(unpacked, train=train)
        assert split.images.shape == (count, 3, 32, 32)
        assert (split.images.dtype, split.labels.dtype) == (np.uint8, np.int64)
        assert np.array_equal(split.images.transpose(0, 2, 3, 1), expected.data)
        assert split.labels.tolist() == expected.targets
        assert tuple(expected.classes) == task.classes


def test_the_archive_alone_gives_the_same_and_stays_alone(task, packed, tmp_path_factory):
    data = task.loader(packed, silent)
    assert [path.name for path in packed.rglob("*")] == [ARCHIVE]
    first = pickle.loads(CONTENTS["data_batch_1"], encoding="bytes")
    assert np.array_equal(data.train.images[:COUNT].reshape(COUNT, -1), first[b"data"])
    assert data.train.labels[:COUNT].tolist() == first[b"labels"]


def test_a_member_that_is_gone_is_read_from_the_archive(task, unpacked, packed):
    expected = task.loader(unpacked, silent).sha256
    (unpacked / FOLDER / "data_batch_3").unlink()
    assert task.loader(unpacked, silent).sha256 == expected
    assert not (unpacked / FOLDER / "data_batch_3").exists()


DAMAGES = {
    "empty": lambda _: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "damaged": lambda content: content[:3000] + bytes([content[3000] ^ 1]) + content[3001:],
    "another": lambda _: pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "labels": [0]}),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", [f"{FOLDER}/data_batch_2", f"{FOLDER}/test_batch", f"{FOLDER}/batches.meta"])
def test_a_damaged_batch_is_one_clear_error_with_the_way_out(task, unpacked, name, damage):
    path = unpacked / name
    path.write_bytes(DAMAGES[damage](path.read_bytes().ljust(4000)))
    refused(task, unpacked, path)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_archive_is_one_clear_error_with_the_way_out(task, packed, damage):
    path = packed / ARCHIVE
    path.write_bytes(DAMAGES[damage](PACKED))
    refused(task, packed, path)
    assert [path.name for path in packed.rglob("*")] == [ARCHIVE]


def refused(task, root, path):
    with pytest.raises(UserError) as raised:
        task.loader(root, silent)
    message = str(raised.value)
    assert message.startswith(f"tiny: '{path}' cannot be used. Allowed: ")
    assert message.endswith("Run `vitcnn fetch tiny` to download it again.")
    assert "\n" not in message


def test_no_pickle_of_an_unknown_sum_is_ever_loaded(task, unpacked, monkeypatch):
    (unpacked / FOLDER / "test_batch").write_bytes(CONTENTS["test_batch"] + b" ")
    monkeypatch.setattr(pickle, "loads", lambda *_, **__: pytest.fail("a pickle was loaded"))
    with pytest.raises(UserError):
        task.loader(unpacked, silent)


def test_an_archive_without_one_batch_is_not_the_original(task, packed):
    (packed / ARCHIVE).write_bytes(tar_of({name: CONTENTS[name] for name in CONTENTS if name != "data_batch_4"}))
    with pytest.raises(UserError, match=r"Allowed: the original, of MD5 \w{32}; this one has"):
        task.loader(packed, silent)


def test_missing_without_a_network_says_the_way_out(task, tmp_path):
    said = f"^tiny: {ARCHIVE} is not under {tmp_path} and cannot be downloaded .*`vitcnn fetch tiny`"
    with pytest.raises(MissingData, match=said):
        task.loader(tmp_path, silent)


def test_names_address_sums_and_classes_are_torchvisions():
    theirs = datasets.CIFAR10
    (file,) = CIFAR10.files
    assert (file.path, file.md5, file.urls) == (theirs.filename, theirs.tgz_md5, (theirs.url,))
    expected = dict([*theirs.train_list, *theirs.test_list, (theirs.meta["filename"], theirs.meta["md5"])])
    assert file.unpacks_to == {f"{theirs.base_folder}/{name}": md5sum for name, md5sum in expected.items()}
    assert [name for name, _ in theirs.train_list] == list(TRAIN)
    assert [name for name, _ in theirs.test_list] == list(TEST)


def test_the_task_describes_itself():
    assert (CIFAR10.name, CIFAR10.recipes) == ("cifar10", "photos")
    assert (CIFAR10.shape.px, CIFAR10.shape.channels, CIFAR10.shape.num_classes) == (32, 3, 10)
    assert CIFAR10.classes == CLASSES
