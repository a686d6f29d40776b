"""MNIST and Fashion-MNIST: four IDX files each, as torchvision lays them out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from vitcnn.spec import Data, InputShape, Progress, RemoteFile, Split, Task
from vitcnn.tasks.archive import members
from vitcnn.tasks.download import ensure

PX = 28
NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
NUM_SUBSET_TRAIN = 4_000
NUM_SUBSET_TEST = 1_000
SUBSET_SEED = 0


def idx_files(folder: str, mirrors: Sequence[str], sums: Sequence[tuple[str, str]]) -> tuple[RemoteFile, ...]:
    """Return the files `NAMES` below `folder`; `sums` are the MD5 of each, packed and unpacked."""
    return tuple(
        RemoteFile(
            path=f"{folder}/raw/{name}.gz",
            md5=packed,
            urls=tuple(f"{mirror}{name}.gz" for mirror in mirrors),
            unpacks_to={f"{folder}/raw/{name}": unpacked},
        )
        for name, (packed, unpacked) in zip(NAMES, sums, strict=True)
    )


def idx_task(
    *,
    name: str,
    files: tuple[RemoteFile, ...],
    classes: tuple[str, ...],
    recipes: str,
    target_accuracy: float,
    source: str,
    choose: Callable[[Data], Data] = lambda data: data,
) -> Task:
    """Return the task of what `choose` takes of the data in `files`, which are `idx_files`."""

    def load(data_root: Path, progress: Progress) -> Data:
        ensure(task, data_root, progress)
        train_images, train_labels, test_images, test_labels = map(idx_array, members(task, data_root).values())
        return choose(Data(train=_split(train_images, train_labels), test=_split(test_images, test_labels)))

    shape = InputShape(px=PX, channels=1, num_classes=len(classes))
    task = Task(
        name=name,
        shape=shape,
        classes=classes,
        loader=load,
        source=source,
        recipes=recipes,
        target_accuracy=target_accuracy,
        files=files,
    )
    return task


def study_subset(data: Data) -> Data:
    """Return 4,000 images of the training part and 1,000 of the test part, each class by its share, always the same."""
    return Data(train=_stratified(data.train, NUM_SUBSET_TRAIN), test=_stratified(data.test, NUM_SUBSET_TEST))


def _stratified(split: Split, count: int) -> Split:
    from sklearn.model_selection import train_test_split

    positions = np.arange(len(split.labels))
    chosen, _ = train_test_split(positions, train_size=count, stratify=split.labels, random_state=SUBSET_SEED)
    return Split(images=split.images[chosen], labels=split.labels[chosen])


def _split(images: np.ndarray, labels: np.ndarray) -> Split:
    return Split(images=images[:, None], labels=labels.astype(np.int64))


def idx_array(content: bytes) -> np.ndarray:
    """Return the bytes of an IDX file, uint8, as the array of as many axes as its header says."""
    num_axes = content[3]
    start = 4 + 4 * num_axes
    shape = np.frombuffer(content[4:start], dtype=">i4")
    return np.frombuffer(bytearray(content[start:]), dtype=np.uint8).reshape(shape)


MNIST_FILES = idx_files(
    "MNIST",
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
    (
        ("f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
        ("d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
        ("9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
        ("ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
    ),
)

FASHION_MNIST_FILES = idx_files(
    "FashionMNIST",
    ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    (
        ("8d4fb7e6c68d591d4c3dfef9ec88bf0d", "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
        ("25c81989df183df01b3e8a0aad5dffbe", "9018921c3c673c538a1fc5bad174d6f9"),
        ("bef4ecab320f06d8554ea6380940ec79", "8181f5470baa50b63fa0f6fddb340f0a"),
        ("bb300cfdad3c16e7a12a480ee83cd310", "15d484375f8d13e6eb1aabb0c3f46965"),
    ),
)

MNIST = idx_task(
    name="mnist",
    files=MNIST_FILES,
    classes=tuple("0123456789"),
    recipes="glyphs",
    target_accuracy=0.99,
    source="LeCun, Cortes, Burges, The MNIST database of handwritten digits, 1998: 60,000 and 10,000 images",
)

MNIST_SUBSET = idx_task(
    name="mnist_subset",
    files=MNIST_FILES,
    classes=tuple("0123456789"),
    recipes="digits",
    target_accuracy=0.98,
    source="Study A (MNIST ViT vs CNN Comparison, 2025-12-08): 4,000 and 1,000 images of MNIST, drawn by scikit-learn",
    choose=study_subset,
)

FASHION_MNIST = idx_task(
    name="fashion_mnist",
    files=FASHION_MNIST_FILES,
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    recipes="photos",
    target_accuracy=0.9,
    source="Xiao, Rasul, Vollgraf, Fashion-MNIST, 2017, arXiv:1708.07747: 60,000 and 10,000 images",
)
