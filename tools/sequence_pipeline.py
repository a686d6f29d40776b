"""vitcnn's sequences of images against the study's: what does an epoch of 60,000 digit sums cost, without a model?

vitcnn's images lie in memory once, as bytes; a sequence is a row of places, and all are drawn anew in each epoch. The
study's way is rebuilt from its description (github.com/kobybibas/vit_for_mnist): a Dataset that puts a sequence
together image by image from torchvision's MNIST (PIL image, ToTensor, Normalize, where it mirrors
RandomHorizontalFlip), a collate function that pads with zeros to the longest of the batch, and a DataLoader with
persistent workers, and one without workers. Both sides have the images of `glyphs`, yield float32 batches of 256
sequences in random order and run in turn, each round in the other order. The study's side runs `--batches` of an
epoch's 234, drawn from all; its times are scaled to the whole epoch. A ratio is the median over the rounds of the
study's time divided by vitcnn's. All times are seconds an epoch, medians over the rounds; `CPU s` adds up all
processes: where others use the machine, it says more than the clock on the wall.

    python tools/sequence_pipeline.py [--rounds 5] [--batches 234] [--threads 1]
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
import torchvision
from input_pipeline import Epoch, seconds, write_idx
from tabulate import tabulate
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset, RandomSampler
from torchvision import transforms
from torchvision.datasets import MNIST
from tqdm import tqdm

from vitcnn.device import resolve
from vitcnn.progress import ProgressBar
from vitcnn.recipes import Recipe
from vitcnn.recipes.parts import AdamW, Augmentation, Flip
from vitcnn.spec import Split
from vitcnn.tasks import data_root
from vitcnn.tasks.glyphs import GLYPHS
from vitcnn.tasks.sequences import DIGIT_SUM_GLYPHS
from vitcnn.training import Arranged
from vitcnn.training.fit import batches

BATCH = 256
NUM_BATCHES = 60_000 // BATCH
NUM_WORKERS = (2, 0)
TARGET = 10
LONGEST = 10
MIDDLE = (0.5,)


class StudySums(Dataset[tuple[Tensor, float]]):
    """The study's sums: image by image, from a data set of pairs of an image and its digit."""

    def __init__(self, digits: MNIST) -> None:
        self.digits = digits

    def __len__(self) -> int:
        return len(self.digits) - LONGEST

    def __getitem__(self, index: int) -> tuple[Tensor, float]:
        length = crc32(str(index).encode()) % LONGEST + 1
        images, labels = zip(*(self.digits[place] for place in range(index, index + length)), strict=True)
        return torch.stack(images), float(sum(labels))


def padded(items: list[tuple[Tensor, float]]) -> tuple[Tensor, Tensor]:
    """Return the sequences of a batch, zeros behind each up to the longest, and their sums."""
    sequences, sums = zip(*items, strict=True)
    return pad_sequence(list(sequences), batch_first=True), torch.tensor(sums)


@dataclass(frozen=True, kw_only=True)
class Stack:
    """The same augmentation on both sides."""

    name: str
    ours: tuple[Augmentation, ...]
    theirs: tuple[torch.nn.Module, ...]


STACKS = (
    Stack(name="none", ours=(), theirs=()),
    Stack(name="flip", ours=(Flip(),), theirs=(transforms.RandomHorizontalFlip(),)),
)


def ours(split: Split, stack: Stack) -> Epoch:
    """Return vitcnn's epochs: each time it is called the next one, of other sequences."""
    recipe = Recipe(
        name="sequence_pipeline",
        epochs=1,
        batch=BATCH,
        optimizer=AdamW(peak_learning_rate=1e-3, weight_decay=0.0),
        warmup_share=0.0,
        augmentation=stack.ours,
        source="here",
    )
    arranged = Arranged.of(split, resolve("cpu"), num_classes=1)
    generator, epochs = torch.Generator().manual_seed(0), count()
    return lambda: batches(arranged, recipe, generator, next(epochs))


def theirs(folder: str, stack: Stack, *, num_workers: int, num_batches: int) -> Epoch:
    """Return the study's epoch, cut to `num_batches`: its workers live on from one to the next."""
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MIDDLE, MIDDLE), *stack.theirs])
    sums = StudySums(MNIST(folder, transform=transform))
    return DataLoader(
        sums,
        batch_size=BATCH,
        sampler=RandomSampler(sums, num_samples=num_batches * BATCH),
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
        collate_fn=padded,
    ).__iter__


def require_alike(epochs: dict[str, Epoch], counts: dict[str, int]) -> None:
    """Stop where a side does not yield its number of batches of the same kind; this also starts the workers."""
    for side, epoch in epochs.items():
        found = [(images.shape, images.dtype, len(sums), float(sums.float().mean())) for images, sums in epoch()]
        assert len(found) == counts[side], (side, len(found))
        assert {kind[:3] for kind in found} == {((BATCH, LONGEST, 1, 28, 28), torch.float32, BATCH)}, side
        mean = np.mean([kind[3] for kind in found])
        assert abs(mean - 5.5 * 4.5) < 1, (side, mean)  # 5.5 images, and digits of 4.5, in the mean


def compare(split: Split, folder: str, stack: Stack, arguments: argparse.Namespace) -> list[list[object]]:
    """Return the table's rows for one augmentation: one for each number of workers."""
    names = {workers: f"{workers} workers" for workers in NUM_WORKERS}
    sides = {
        name: theirs(folder, stack, num_workers=workers, num_batches=arguments.batches)
        for workers, name in names.items()
    }
    counts = dict.fromkeys(sides, arguments.batches) | {"vitcnn": NUM_BATCHES}
    sides["vitcnn"] = ours(split, stack)
    require_alike(sides, counts)
    times: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
    for turn in tqdm(range(arguments.rounds), desc=stack.name, leave=False, disable=None):
        for side in sorted(sides, reverse=bool(turn % 2)):
            times[side].append(seconds(sides[side]))
    whole = {side: np.array(found) * (NUM_BATCHES / counts[side]) for side, found in times.items()}
    mine = whole["vitcnn"]
    rows = []
    for name in names.values():
        ratio, spread = np.median(whole[name] / mine, axis=0), (whole[name] / mine)[:, 0]
        told = f"{ratio[0]:.1f} ({spread.min():.1f} to {spread.max():.1f})"
        columns = [part for side in (whole[name], mine) for part in np.median(side, axis=0)]
        rows.append([stack.name, name, *columns, told, ratio[1], "yes" if ratio[0] >= TARGET else "NO"])
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="epochs of each side")
    parser.add_argument("--batches", type=int, default=NUM_BATCHES, help="batches of an epoch of the study's side")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch in this process")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    root = data_root()
    images, sums = (task.loader(root, ProgressBar()) for task in (GLYPHS, DIGIT_SUM_GLYPHS))
    with tempfile.TemporaryDirectory(prefix="vitcnn-sequence-pipeline-") as folder:
        write_idx(images.train, Path(folder))
        rows = [row for stack in STACKS for row in compare(sums.train, folder, stack, arguments)]
    versions = f"torch {torch.__version__}, torchvision {torchvision.__version__}, {resolve('cpu').key}"
    how = f"{arguments.rounds} rounds, batch {BATCH}, {arguments.batches} of {NUM_BATCHES} batches of the study's side"
    print(f"{versions}; {how}, {arguments.threads} thread of vitcnn")
    headers = ["augmentation", "study's", "study, s", "study, CPU s", "vitcnn, s", "vitcnn, CPU s"]
    headers += ["study / vitcnn (range)", "in CPU time", f">= {TARGET}"]
    formats = ("", "", ".1f", ".1f", ".2f", ".2f", "", ".1f", "")
    print(tabulate(rows, headers=headers, tablefmt="github", floatfmt=formats))


if __name__ == "__main__":
    main()
