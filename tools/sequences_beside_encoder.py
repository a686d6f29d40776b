"""How near do models of sequences come to what their encoder allows, on digits as many as MNIST has?

A sum of n images is right where all n are read right. So a second model, study E's encoder with a linear layer, is
trained on single digits with their labels, which no model of sequences ever sees; what it reads in the images of the
test sequences is added up, or looked for. That is what the encoder allows. Beside it stands the published formula: the
mean over the lengths 1 to 10 of its single-digit accuracy to the power of the length.

    python tools/sequences_beside_encoder.py [--source glyphs] [--epochs 4] [--seeds 1] [MODEL ...]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
import torch
from tabulate import tabulate
from torch import Tensor, nn

from vitcnn.architectures import architecture
from vitcnn.architectures.layers.sequence_encoders import DIM, cnn_encoder
from vitcnn.bench.models import random_model
from vitcnn.device import Device, numerics, resolve
from vitcnn.progress import ProgressBar
from vitcnn.recipes import Recipe, recipe
from vitcnn.spec import Split
from vitcnn.tasks import Tasks, data_root
from vitcnn.training import OBJECTIVES, Objective, fit, predict, source_of

BEST = ("sum_of_digits", "sum_transformer", "sum_fc", "anchor_matching", "anchor_transformer", "anchor_fc")
RECIPE = "many_sequences_cnn"
LENGTHS = np.arange(1, 11)
CONTIGUOUS = torch.contiguous_format


def main() -> None:
    """Train the encoder on single digits, then each model, and print what each reaches beside what is allowed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=BEST, metavar="MODEL")
    parser.add_argument("--source", default="glyphs", choices=("digits", "glyphs", "mnist"))
    parser.add_argument("--epochs", type=int, default=recipe(RECIPE).epochs)
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    device = resolve("auto")
    bar = ProgressBar()
    with numerics(device):
        tasks = Tasks(data_root())
        by = replace(recipe(RECIPE), epochs=asked.epochs)
        bar(0, 1, f"encoder on single images of {asked.source}")
        single = tasks.data(asked.source, bar)
        digits, allowed_share = read_digits(single.train, single.test, by, device)
        formula = float((allowed_share**LENGTHS).mean())
        print(f"\nencoder, single digits: {100 * allowed_share:.2f} %; by the formula {100 * formula:.1f} % of sums")
        rows = []
        for name in asked.models:
            for seed in range(asked.seeds):
                bar(len(rows), len(asked.models) * asked.seeds, f"{name}, seed {seed}")
                rows.append(row(name, asked.source, digits, by, seed, tasks, device))
                print("\n" + tabulate(rows, headers="keys", floatfmt=".1f"), flush=True)


def read_digits(train: Split, test: Split, by: Recipe, device: Device) -> tuple[np.ndarray, float]:
    """Return what the encoder reads in each test image after training with labels, and its accuracy."""
    torch.manual_seed(0)
    model = nn.Sequential(cnn_encoder(train.images.shape[1]), nn.ReLU(), nn.Linear(DIM, 10))
    as_often = replace(by, epochs=round(by.epochs * LENGTHS.mean()))  # as many images as the sequences hold
    objective = OBJECTIVES["classification"]
    answers = trained_answers(model, train, test, as_often, 0, objective, device)
    return answers.numpy(), float((answers.numpy() == test.labels).mean())


def trained_answers(
    model: nn.Module, train: Split, test: Split, by: Recipe, seed: int, objective: Objective, device: Device
) -> Tensor:
    """Train a model and return its answers about the test part."""
    how = {"layout": CONTIGUOUS, "precision": "fp32", "objective": objective}
    fit(model, source_of(train, device, num_classes=10), recipe=by, device=device, mode="eager", seed=seed, **how)
    return objective.answers(predict(model, source_of(test, device, num_classes=10), **how))


def row(
    name: str, source: str, digits: np.ndarray, by: Recipe, seed: int, tasks: Tasks, device: Device
) -> dict[str, object]:
    """Train a model of sequences; return what it reaches and what the encoder allows on the same test sequences."""
    asked = "sum" if name.startswith("sum") else "anchor"
    task = tasks.task(f"digit_{asked}_{source}")
    data = tasks.data(task.name, lambda *_told: None)
    model = random_model(architecture(name), task.shape, device, seed)
    start = time.perf_counter()
    answers = trained_answers(model, data.train, data.test, by, seed, OBJECTIVES[task.objective], device).numpy()
    assert data.test.members is not None
    return {
        "model": name,
        "seed": seed,
        "accuracy, %": 100 * float((answers == data.test.labels).mean()),
        "encoder allows, %": 100 * float((answers_from(digits, data.test.members, asked) == data.test.labels).mean()),
        "seconds": time.perf_counter() - start,
    }


def answers_from(digits: np.ndarray, members: np.ndarray, asked: str) -> np.ndarray:
    """Return what follows for sequences from the digits that are read in their images."""
    read = np.where(members >= 0, digits[members], -1)
    if asked == "sum":
        return np.where(read >= 0, read, 0).sum(axis=1)
    return (read[:, 1:] == read[:, :1]).any(axis=1).astype(np.int64)


if __name__ == "__main__":
    main()
