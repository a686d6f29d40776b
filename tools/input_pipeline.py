"""vitcnn's input pipeline against torchvision's: what does an epoch of augmented images cost, without a model?

vitcnn's images lie in memory as bytes, and whole blocks are augmented, each image by its own draw. torchvision's side
is its dataset (PIL images), v2 transforms and a DataLoader with persistent workers; beside the order in which PIL
images are transformed (`pil`) stands the faster one that makes tensors of them first (`tensor`). Both sides have the
same images, yield float32 batches of the same shape and run in turn, each round in the other order. A ratio is the
median over the rounds of torchvision's time divided by vitcnn's. The floor is the time in which this machine copies as
many bytes as an epoch reads (bytes) and writes (floats). All times are microseconds an image, medians over the rounds;
`CPU us` adds up all processes: where others use the machine, it says more than the clock on the wall.

    python tools/input_pipeline.py [--rounds 5] [--images 50000] [--threads 1 2]
"""

from __future__ import annotations

import argparse
import pickle
import struct
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
import torchvision
from tabulate import tabulate
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate
from torchvision.datasets import CIFAR10, MNIST
from torchvision.transforms import v2
from tqdm import tqdm

from vitcnn.device import Device, resolve
from vitcnn.recipes import Recipe
from vitcnn.recipes.parts import AdamW, Augmentation, Crop, Flip, Mix, RandomErasing, TrivialAugment
from vitcnn.spec import Data, Split
from vitcnn.tasks.glyphs import make_glyphs
from vitcnn.tasks.shapes import make_shapes
from vitcnn.training import Resident
from vitcnn.training.fit import batches

BATCH = 500
WORKERS = 2
TARGET = 20
PADDING_PX = 4
NUM_CLASSES = 10
CIFAR_FILES = tuple(f"data_batch_{number}" for number in range(1, 6))

Epoch = Callable[[], Iterable[tuple[Tensor, Tensor]]]


class MadeCifar(CIFAR10):
    """torchvision's dataset, reading files of ours: their sums are not CIFAR-10's."""

    train_list = [[name, None] for name in CIFAR_FILES]  # noqa: RUF012
    test_list = []  # noqa: RUF012
    meta = {"filename": "batches.meta", "key": "label_names", "md5": None}  # noqa: RUF012


@dataclass(frozen=True, kw_only=True)
class Stack:
    """The same augmentations in both libraries: `before` those of PIL images or bytes, `after` those of floats."""

    name: str
    ours: tuple[Augmentation, ...]
    before: Callable[[int], list[v2.Transform]]
    after: tuple[v2.Transform, ...]
    of_batches: v2.Transform | None
    target: str


def crop_and_flip(px: int) -> list[v2.Transform]:
    """Return torchvision's crop and flip for images of `px` pixels a side."""
    return [v2.RandomCrop(px, padding=PADDING_PX, padding_mode="reflect"), v2.RandomHorizontalFlip()]


LIGHT = Stack(
    name="crop, flip, normalise",
    ours=(Crop(padding_px=PADDING_PX, fill="reflect"), Flip()),
    before=crop_and_flip,
    after=(),
    of_batches=None,
    target=f">= {TARGET}",
)
WHOLE = Stack(
    name="crop, flip, TrivialAugment, erasing, MixUp or CutMix",
    ours=(*LIGHT.ours, TrivialAugment(), RandomErasing(share=0.25), Mix()),
    before=lambda px: [*crop_and_flip(px), v2.TrivialAugmentWide()],
    after=(v2.RandomErasing(p=0.25),),
    of_batches=v2.RandomChoice(
        [v2.MixUp(alpha=0.8, num_classes=NUM_CLASSES), v2.CutMix(alpha=1.0, num_classes=NUM_CLASSES)]
    ),
    target="none",
)


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """Makes a batch of images in a worker, and mixes it."""

    mix: v2.Transform

    def __call__(self, images: list[Any]) -> Any:
        return self.mix(*default_collate(images))


def write_cifar(split: Split, folder: Path) -> None:
    """Write images as the Python version of CIFAR-10 lies on disk."""
    home = folder / MadeCifar.base_folder
    home.mkdir()
    parts = zip(CIFAR_FILES, np.array_split(split.images, 5), np.array_split(split.labels, 5), strict=True)
    for name, images, labels in parts:
        (home / name).write_bytes(pickle.dumps({"data": images.reshape(len(images), -1), "labels": labels.tolist()}))
    (home / "batches.meta").write_bytes(pickle.dumps({"label_names": [str(label) for label in range(NUM_CLASSES)]}))


def write_idx(split: Split, folder: Path) -> None:
    """Write images as the training part of MNIST lies on disk; torchvision wants to see a test part too."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    count, _, height, width = split.images.shape
    images = struct.pack(">IIII", 0x803, count, height, width) + split.images.tobytes()
    labels = struct.pack(">II", 0x801, count) + split.labels.astype(np.uint8).tobytes()
    for part in ("train", "t10k"):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(images)
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(labels)


def ours(split: Split, stack: Stack, device: Device) -> Epoch:
    """Return vitcnn's epoch: a new one each time it is called."""
    recipe = Recipe(
        name="input_pipeline",
        epochs=1,
        batch=BATCH,
        optimizer=AdamW(peak_learning_rate=1e-3, weight_decay=0.0),
        warmup_share=0.0,
        augmentation=stack.ours,
        source="here",
    )
    resident = Resident.of(split, device, num_classes=NUM_CLASSES)
    generator = torch.Generator().manual_seed(0)
    return lambda: batches(resident, recipe, generator, 0)


def theirs(dataset: Callable[[v2.Transform], Dataset[Any]], split: Split, stack: Stack, *, pil: bool) -> Epoch:
    """Return torchvision's epoch: its workers live on from one to the next."""
    channels, px = split.images.shape[1:3]
    middle = [0.5] * channels
    before = stack.before(px)
    first = [*before, v2.ToImage()] if pil else [v2.ToImage(), *before]
    last = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(middle, middle), *stack.after]
    return DataLoader(
        dataset(v2.Compose([*first, *last])),
        batch_size=BATCH,
        shuffle=True,
        drop_last=True,
        num_workers=WORKERS,
        persistent_workers=True,
        collate_fn=Mixed(mix=stack.of_batches) if stack.of_batches else None,
    ).__iter__


def seconds(epoch: Epoch) -> tuple[float, float]:
    """Return how long an epoch takes, and how long processors work for it, in this process and in its workers."""
    busy, start = processor_s(), time.perf_counter()
    for _images, _targets in epoch():
        pass
    return time.perf_counter() - start, processor_s() - busy


def processor_s() -> float:
    """Return the processor time of this process and of its workers."""
    here = psutil.Process()
    return sum(sum(process.cpu_times()[:2]) for process in (here, *here.children()))


def require_alike(epochs: Iterable[Epoch]) -> None:
    """Stop where the sides do not yield the same kind of batches; this also starts the workers."""
    kinds = set()
    for epoch in epochs:
        [*_, (images, targets)] = epoch()
        assert images.min() >= -1.001
        assert images.max() <= 1.001
        kinds.add((images.shape, images.dtype, images.is_contiguous(), targets.shape))
    assert len(kinds) == 1, kinds


def bytes_per_s() -> float:
    """Return how many bytes this machine reads and writes in a second when it copies: the best of 20 copies."""
    source = torch.ones(1 << 26, dtype=torch.uint8)
    target = torch.empty_like(source)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        target.copy_(source)
        times.append(time.perf_counter() - start)
    return 2 * source.nbytes / min(times)


def compare(
    name: str, data: Data, dataset: Callable[[v2.Transform], Dataset[Any]], stack: Stack, arguments: argparse.Namespace
) -> list[list[object]]:
    """Return the table's rows for one stack of augmentations of one task: one for each number of threads."""
    split, device = data.train, resolve("cpu")
    sides: dict[tuple[str, int], Epoch] = {
        (f"torchvision {kind}", 1): theirs(dataset, split, stack, pil=kind == "pil") for kind in ("pil", "tensor")
    }
    sides |= {("vitcnn", threads): ours(split, stack, device) for threads in arguments.threads}
    require_alike(sides.values())
    times: dict[tuple[str, int], list[tuple[float, float]]] = {side: [] for side in sides}
    for turn in tqdm(range(arguments.rounds), desc=f"{name}: {stack.name}", leave=False, disable=None):
        for side in sorted(sides, reverse=bool(turn % 2)):
            torch.set_num_threads(side[1])
            times[side].append(seconds(sides[side]))
    count = len(split.labels) // BATCH * BATCH
    rows = []
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        floor_us = 5 * split.images[0].nbytes / bytes_per_s() * 1e6
        compared = (("torchvision pil", 1), ("torchvision tensor", 1), ("vitcnn", threads))
        pil, tensor, mine = (np.array(times[side]) / count * 1e6 for side in compared)  # (rounds, wall and processor)
        ratio, spread = np.median(pil / mine, axis=0), (pil / mine)[:, 0]
        verdict = stack.target if stack is WHOLE else "yes" if ratio[0] >= TARGET else "NO"
        columns = [part for side in (pil, tensor, mine) for part in np.median(side, axis=0)]
        told = f"{ratio[0]:.1f} ({spread.min():.1f} to {spread.max():.1f})"
        row = [name, stack.name, threads, *columns, floor_us, told, ratio[1], np.median(tensor / mine, axis=0)[0]]
        rows.append([*row, verdict])
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="epochs of each side")
    parser.add_argument("--images", type=int, default=50_000, help="images of each task")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, torch.get_num_threads()], help="vitcnn's threads")
    arguments = parser.parse_args()
    arguments.threads = sorted(set(arguments.threads))
    how = {"num_train": arguments.images, "num_test": NUM_CLASSES, "seed": 0, "progress": lambda *_told: None}
    shapes, glyphs = make_shapes(**how), make_glyphs("0123456789", **how)
    with tempfile.TemporaryDirectory(prefix="vitcnn-input-pipeline-") as folder:
        write_cifar(shapes.train, Path(folder))
        write_idx(glyphs.train, Path(folder))
        sources = {
            "shapes, 32 px RGB": (shapes, lambda transform: MadeCifar(folder, transform=transform)),
            "glyphs, 28 px grey": (glyphs, lambda transform: MNIST(folder, transform=transform)),
        }
        rows = [
            row
            for stack in (LIGHT, WHOLE)
            for name, (data, dataset) in sources.items()
            for row in compare(name, data, dataset, stack, arguments)
        ]
    versions = f"torch {torch.__version__}, torchvision {torchvision.__version__}, {resolve('cpu').key}"
    print(f"{versions}; {arguments.images} images, {arguments.rounds} rounds, batch {BATCH}, {WORKERS} workers")
    sides = [f"{side}, {kind}" for side in ("pil", "tensor", "vitcnn") for kind in ("us", "CPU us")]
    headers = ["task", "augmentation", "threads", *sides, "floor, us"]
    headers += ["pil / vitcnn (range)", "in CPU time", "tensor / vitcnn", f">= {TARGET}"]
    formats = ("", "", "", ".1f", ".1f", ".1f", ".1f", ".2f", ".2f", ".2f", "", ".1f", ".1f", "")
    print(tabulate(rows, headers=headers, tablefmt="github", floatfmt=formats))


if __name__ == "__main__":
    main()
