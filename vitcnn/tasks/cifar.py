"""CIFAR-10: 60,000 colour photographs of ten classes, as torchvision lays them out."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vitcnn.spec import Data, InputShape, Progress, RemoteFile, Split, Task
from vitcnn.tasks.archive import members
from vitcnn.tasks.download import ensure

PX = 32
FOLDER = "cifar-10-batches-py"
ARCHIVE = "cifar-10-python.tar.gz"
TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST = ("test_batch",)
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def cifar_task(*, name: str, urls: tuple[str, ...], md5: str, sums: Mapping[str, str], source: str) -> Task:
    """Return the task of the archive at `urls` with the MD5 `md5`, which unpacks to files with the MD5 `sums`."""

    def load(data_root: Path, progress: Progress) -> Data:
        ensure(task, data_root, progress)
        found = members(task, data_root)
        train, test = (_split([found[f"{FOLDER}/{batch}"] for batch in part]) for part in (TRAIN, TEST))
        return Data(train=train, test=test)

    unpacks_to = {f"{FOLDER}/{file}": file_md5 for file, file_md5 in sums.items()}
    task = Task(
        name=name,
        shape=InputShape(px=PX, channels=3, num_classes=len(CLASSES)),
        classes=CLASSES,
        loader=load,
        source=source,
        recipes="photos",
        target_accuracy=0.94,
        files=(RemoteFile(path=ARCHIVE, md5=md5, urls=urls, unpacks_to=unpacks_to),),
    )
    return task


def _split(contents: Sequence[bytes]) -> Split:
    """Read pickled batches, each `data` uint8 (count, 3072) and `labels`."""
    # a pickle may run code: these are the bytes whose MD5 is known
    batches = [pickle.loads(content, encoding="latin1") for content in contents]
    images = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, PX, PX)
    return Split(images=images, labels=np.concatenate([batch["labels"] for batch in batches]).astype(np.int64))


CIFAR10 = cifar_task(
    name="cifar10",
    urls=("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",),
    md5="c58f30108f718f92721af3b95e74349a",
    sums={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
        "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    },
    source="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009: 50,000 and 10,000 images",
)
