import gzip
import hashlib
import itertools

import numpy as np
import pytest
from torchvision import datasets

from vitcnn.errors import MissingData, UserError
from vitcnn.tasks.idx import FASHION_MNIST, MNIST, MNIST_SUBSET, NAMES, idx_files, idx_task, study_subset

NOWHERE = "http://127.0.0.1:9/"
RNG = np.random.default_rng(0)
COUNTS = {"train": 200, "t10k": 100}
SHARES = np.array([10, 14, 8, 9, 11, 9, 10, 10, 9, 10]) / 100
"""Not equal, as MNIST's are not, so that a sample that is not stratified is seen."""


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def idx(array):
    """The bytes of an IDX file of bytes: magic number, each dimension as four bytes, the values."""
    return bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape) + array.tobytes()


def contents(counts):
    """The four files by name, with random images and classes by SHARES, shuffled."""
    found = {}
    for part, count in counts.items():
        labels = np.repeat(np.arange(10), np.round(SHARES * count).astype(int)).astype(np.uint8)
        found[f"{part}-images-idx3-ubyte"] = idx(RNG.integers(0, 256, (len(labels), 28, 28), np.uint8))
        found[f"{part}-labels-idx1-ubyte"] = idx(RNG.permutation(labels))
    return found


SMALL = contents(COUNTS)


def tiny(files=SMALL, **settings):
    sums = [(md5(gzip.compress(files[name], mtime=0)), md5(files[name])) for name in NAMES]
    about = {"classes": tuple("0123456789"), "recipes": "digits", "target_accuracy": 0.9, "source": "here"}
    return idx_task(name="tiny", files=idx_files("MNIST", (NOWHERE,), sums), **about, **settings)


def silent(done, total, text):
    pass


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def root(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in SMALL.items():
        (raw / name).write_bytes(content)
    return tmp_path


def pack(root, *names):
    for name in names:
        plain = root / "MNIST" / "raw" / name
        plain.with_name(f"{name}.gz").write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
        plain.unlink()


def assert_equals_torchvision(data, root):
    for split, train in ((data.train, True), (data.test, False)):
        expected = datasets.MNIST(root, train=train)
        assert split.images.shape == (len(expected), 1, 28, 28)
        assert (split.images.dtype, split.labels.dtype) == (np.uint8, np.int64)
        assert np.array_equal(split.images[:, 0], expected.data.numpy())
        assert np.array_equal(split.labels, expected.targets.numpy())


def test_a_folder_that_torchvision_reads_gives_the_same(root):
    data = tiny().loader(root, silent)
    assert len(data.train.labels) == 200
    assert len(data.test.labels) == 100
    assert_equals_torchvision(data, root)


@pytest.mark.parametrize("packed", [NAMES, NAMES[:1], NAMES[1:3]], ids=["all", "one", "two"])
def test_packed_files_give_the_same_and_stay_as_they_are(root, packed):
    expected = tiny().loader(root, silent).sha256
    pack(root, *packed)
    before = sorted(root.rglob("*"))
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)
    assert tiny().loader(root, silent).sha256 == expected
    assert sorted(root.rglob("*")) == before
    for path in before:
        path.chmod(0o755)


DAMAGES = {
    "empty": lambda _: b"",
    "truncated": lambda content: content[:-5],
    "damaged": lambda content: content[:20] + bytes([content[20] ^ 1]) + content[21:],
    "another": lambda _: b"another file",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name, packed", list(itertools.product(NAMES, [False, True])))
def test_a_damaged_file_is_one_clear_error_with_the_way_out(root, name, packed, damage):
    if packed:
        pack(root, name)
    path = root / "MNIST" / "raw" / (f"{name}.gz" if packed else name)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(UserError) as raised:
        tiny().loader(root, silent)
    message = str(raised.value)
    assert message.startswith(f"tiny: '{path}' cannot be used. Allowed: ")
    assert message.endswith("Run `vitcnn fetch tiny` to download it again.")
    assert "\n" not in message
    assert damage != "empty" or packed or "this one has 0 bytes" in message


def test_a_file_of_another_data_set_is_refused(root):
    (root / "MNIST" / "raw" / NAMES[0]).write_bytes(contents(COUNTS)[NAMES[0]])
    with pytest.raises(
        UserError, match=f"{NAMES[0]}' cannot be used. Allowed: the original, of MD5 {md5(SMALL[NAMES[0]])}; this one"
    ):
        tiny().loader(root, silent)


@pytest.mark.parametrize("task", [tiny(), tiny(choose=study_subset)], ids=["whole", "subset"])
def test_missing_without_a_network_says_the_way_out(root, task):
    (root / "MNIST" / "raw" / NAMES[3]).unlink()
    said = f"^tiny: MNIST/raw/{NAMES[3]}.gz is not under {root} and cannot be downloaded .*`vitcnn fetch tiny`"
    with pytest.raises(MissingData, match=said) as raised:
        task.loader(root, silent)
    assert raised.value.task == "tiny"


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A folder of 5,000 and 1,500 images, and the task of it as it is chosen from."""
    root = tmp_path_factory.mktemp("large")
    files = contents({"train": 5_000, "t10k": 1_500})
    (root / "MNIST" / "raw").mkdir(parents=True)
    for name, content in files.items():
        (root / "MNIST" / "raw" / name).write_bytes(content)
    return root, files


def test_the_subset_has_the_size_of_study_a_and_the_shares_of_the_whole(large):
    root, files = large
    subset = tiny(files, choose=study_subset).loader(root, silent)
    assert subset.train.images.shape == (4_000, 1, 28, 28)
    assert subset.test.images.shape == (1_000, 1, 28, 28)
    assert np.bincount(subset.train.labels).tolist() == [400, 560, 320, 360, 440, 360, 400, 400, 360, 400]
    assert np.bincount(subset.test.labels).tolist() == [100, 140, 80, 90, 110, 90, 100, 100, 90, 100]


def test_the_subset_holds_images_of_its_own_part_with_their_labels_and_none_twice(large):
    root, files = large
    whole = tiny(files).loader(root, silent)
    subset = tiny(files, choose=study_subset).loader(root, silent)
    for part, count in (("train", 4_000), ("test", 1_000)):
        full, chosen = getattr(whole, part), getattr(subset, part)
        label_of = {image.tobytes(): label for image, label in zip(full.images, full.labels, strict=True)}
        assert [label_of[image.tobytes()] for image in chosen.images] == chosen.labels.tolist()
        assert len({image.tobytes() for image in chosen.images}) == count


def test_the_subset_is_the_same_each_time(large):
    root, files = large
    task = tiny(files, choose=study_subset)
    assert task.loader(root, silent).sha256 == task.loader(root, silent).sha256


@pytest.mark.parametrize("task, torchvision_set", [(MNIST, datasets.MNIST), (FASHION_MNIST, datasets.FashionMNIST)])
def test_names_addresses_and_sums_are_torchvisions(task, torchvision_set):
    folder = f"{torchvision_set.__name__}/raw"
    assert [file.path for file in task.files] == [f"{folder}/{name}" for name, _ in torchvision_set.resources]
    assert [file.md5 for file in task.files] == [packed for _, packed in torchvision_set.resources]
    for file, (name, _) in zip(task.files, torchvision_set.resources, strict=True):
        assert file.urls == tuple(f"{mirror}{name}" for mirror in torchvision_set.mirrors)
        assert list(file.unpacks_to) == [file.path.removesuffix(".gz")]


UNPACKED_MNIST = """
6bbc9ace898e44ae57da46a324031adb MNIST/raw/train-images-idx3-ubyte
a25bea736e30d166cdddb491f175f624 MNIST/raw/train-labels-idx1-ubyte
2646ac647ad5339dbf082846283269ea MNIST/raw/t10k-images-idx3-ubyte
27ae3e4e09519cfbb04c329615203637 MNIST/raw/t10k-labels-idx1-ubyte
"""
UNPACKED_FASHION_MNIST = """
f4a8712d7a061bf5bd6d2ca38dc4d50a FashionMNIST/raw/train-images-idx3-ubyte
9018921c3c673c538a1fc5bad174d6f9 FashionMNIST/raw/train-labels-idx1-ubyte
8181f5470baa50b63fa0f6fddb340f0a FashionMNIST/raw/t10k-images-idx3-ubyte
15d484375f8d13e6eb1aabb0c3f46965 FashionMNIST/raw/t10k-labels-idx1-ubyte
"""
"""As `md5sum` prints them for the unpacked files; torchvision knows the packed ones alone."""


@pytest.mark.parametrize("task, listed", [(MNIST, UNPACKED_MNIST), (FASHION_MNIST, UNPACKED_FASHION_MNIST)])
def test_unpacked_sums_are_those_of_the_original_files(task, listed):
    unpacked = [f"{md5sum} {name}" for file in task.files for name, md5sum in file.unpacks_to.items()]
    assert unpacked == listed.split("\n")[1:-1]


def test_tasks_describe_themselves():
    assert MNIST_SUBSET.files is MNIST.files
    assert [task.name for task in (MNIST, MNIST_SUBSET, FASHION_MNIST)] == ["mnist", "mnist_subset", "fashion_mnist"]
    assert [task.recipes for task in (MNIST, MNIST_SUBSET, FASHION_MNIST)] == ["glyphs", "digits", "photos"]
    assert MNIST.classes == MNIST_SUBSET.classes == tuple("0123456789")
    assert list(FASHION_MNIST.classes) == datasets.FashionMNIST.classes
    for task in (MNIST, MNIST_SUBSET, FASHION_MNIST):
        assert (task.shape.px, task.shape.channels, task.shape.num_classes) == (28, 1, 10)
