"""Accuracy against training time: ViT and CNN on the made data of MNIST's and CIFAR-10's size, one run a row.

Each row is a training of its own, whose schedule ends with it; a share of an epoch is one pass over that share of the
images. Timed is what `fit` does: initialisation from images, augmentation, training; a throw-away model has trained on
two batches before. Testing is not timed. Each row has the precision that is faster on a CPU with AVX512-BF16. With
--fold a tenth of the training part stands for the test part: so, and only so, may settings be chosen.

    python tools/accuracy_against_time.py [--task glyphs] [--most-epochs 1] [--fold]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tabulate import tabulate

from vitcnn.architectures import architecture
from vitcnn.bench.models import random_model
from vitcnn.device import Device, numerics, resolve
from vitcnn.inference.forward import memory_format
from vitcnn.progress import ProgressBar
from vitcnn.recipes import Recipe, recipe
from vitcnn.spec import Data, Precision, Split, Task
from vitcnn.tasks import data_root, tasks
from vitcnn.training import Source, fit, predict, source_of

FOLD_SHARE = 0.1


@dataclass(frozen=True, kw_only=True)
class Row:
    """One training: of what, by what, for how many epochs."""

    task: str
    architecture: str
    recipe: Recipe
    epochs: float
    precision: Precision

    @property
    def schedule(self) -> Recipe:
        """The recipe with the row's epochs; a share of an epoch is one, over fewer images."""
        return replace(self.recipe, epochs=max(1, round(self.epochs)))

    def num_images(self, there_are: int) -> int:
        """Return how many of the training images the row sees."""
        return round(min(1.0, self.epochs) * there_are)


def rows(task: str, name: str, recipe: Recipe, epochs: Sequence[float], precision: Precision = "fp32") -> list[Row]:
    """Return a row for each number of epochs."""
    return [Row(task=task, architecture=name, recipe=recipe, epochs=count, precision=precision) for count in epochs]


PHOTOS_SPEEDRUN_CNN = replace(recipe("cifar_speedrun_cnn"), batch=500)
PHOTOS_SPEEDRUN_VIT = replace(recipe("cifar_speedrun_vit"), batch=125)
"""Smaller batches: more steps in an epoch."""

ROWS = (
    *rows("glyphs", "lenet", recipe("glyphs_cnn"), (0.3, 1, 3)),
    *rows("glyphs", "vit_micro", recipe("glyphs_vit"), (0.3, 1, 3)),
    *rows("glyphs", "speedrun_cnn", recipe("glyphs_speedrun_cnn"), (0.1, 0.3), "bf16"),
    *rows("glyphs", "speedrun_vit", recipe("glyphs_speedrun_vit"), (0.1, 0.3), "bf16"),
    *rows("shapes", "lenet", recipe("photos_cnn"), (0.3, 1, 3)),
    *rows("shapes", "vit_micro", recipe("photos_vit"), (0.3, 1, 3)),
    *rows("shapes", "speedrun_cnn", PHOTOS_SPEEDRUN_CNN, (0.1, 0.3), "bf16"),
    *rows("shapes", "speedrun_vit", PHOTOS_SPEEDRUN_VIT, (0.1, 0.3), "bf16"),
)


def folded(data: Data) -> Data:
    """Return the training part alone, its last tenth as the test part."""
    cut = round(len(data.train.labels) * (1 - FOLD_SHARE))
    train, test = (Split(images=data.train.images[part], labels=data.train.labels[part]) for part in np.s_[:cut, cut:])
    return Data(train=train, test=test)


def measure(row: Row, task: Task, train: Source, test: Source, device: Device) -> list[object]:
    """Return the table's row."""
    entry = architecture(row.architecture)
    layout, precision = memory_format(entry), row.precision
    train_by = partial(fit, device=device, layout=layout, precision=precision, mode="eager")
    seen = train.first(row.num_images(len(train)))
    few, once = train.first(2 * row.recipe.batch), replace(row.recipe, epochs=1)
    train_by(random_model(entry, task.shape, device), few, recipe=once, seed=1)
    model = random_model(entry, task.shape, device)
    start_cpu = time.process_time()
    history = train_by(model, seen, recipe=row.schedule, seed=0)
    cpu_s = time.process_time() - start_cpu
    answers = predict(model, test, precision=precision, layout=layout, test_time=row.recipe.test_time).argmax(dim=1)
    accuracy = float((answers == test.labels.cpu()).double().mean())
    time_s = history.epoch_ends_s[-1]
    passes = row.schedule.epochs * len(seen) / len(train)
    what = [row.task, row.architecture, row.recipe.name, row.recipe.batch, precision]
    return [*what, passes, time_s, cpu_s, 100 * accuracy]


HEADERS = [
    "task",
    "architecture",
    "recipe",
    "batch",
    "precision",
    "epochs",
    "training s",
    "of processor s",
    "accuracy %",
]
FORMATS = ("", "", "", "", "", ".1f", ".1f", ".1f", ".2f")


def main() -> None:
    """Print the table, row by row as it grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="", help="rows of this task alone")
    parser.add_argument("--architecture", default="", help="rows of this architecture alone")
    parser.add_argument("--most-epochs", type=float, default=3, help="rows of at most so many epochs")
    parser.add_argument("--fold", action="store_true", help="score on a tenth of the training part")
    parser.add_argument("--data", type=Path, default=None, help="the data root")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    device = resolve(arguments.device)
    chosen = [
        row
        for row in ROWS
        if row.task.startswith(arguments.task)
        and row.architecture.startswith(arguments.architecture)
        and row.epochs <= arguments.most_epochs
    ]
    lines = []
    with numerics(device):
        for name in dict.fromkeys(row.task for row in chosen):
            task = tasks()[name]
            data = task.loader(data_root(arguments.data), ProgressBar())
            data = folded(data) if arguments.fold else data
            train, test = (source_of(split, device, num_classes=len(task.classes)) for split in (data.train, data.test))
            for row in (row for row in chosen if row.task == name):
                line = measure(row, task, train, test, device)
                lines.append(line)
                print(tabulate([line], tablefmt="plain", floatfmt=FORMATS), flush=True)
    scored = "a fold of the training part" if arguments.fold else "the test part"
    print(f"torch {torch.__version__}, {device.key}, {torch.get_num_threads()} threads, scored on {scored}")
    print(tabulate(lines, headers=HEADERS, tablefmt="github", floatfmt=FORMATS))


if __name__ == "__main__":
    main()
