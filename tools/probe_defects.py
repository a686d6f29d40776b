"""Shows that no weighted sum of the pixels of a tile, nor its brightness or variance, tells whether there is a defect.

Each probe learns, on training tiles of a task, to tell tiles with a defect from those without, and is asked about the
test tiles: logistic regression on all pixels, shrunk to several sizes by averaging; on the mean of the tile; on its
variance; on both. Beside each stands the area under its ROC curve: 0.5 is guessing, and below 0.6 counts as failing.

    python tools/probe_defects.py [--task defects] [--tiles 5000] [--data-root DIR]
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tabulate import tabulate

from vitcnn.spec import Split
from vitcnn.tasks import data_root, tasks

STRENGTHS = (1e-6, 1e-4, 1e-2)
"""Inverses of the penalty of logistic regression on pixels: the best counts, so that no strength is the reason."""


def shrunk(images: np.ndarray, px: int) -> np.ndarray:
    """Return images (count, channels, size, size) as rows of the means of `px` x `px` squares, 0..1."""
    count, channels, size, _ = images.shape
    side = size // px
    cells = images.reshape(count, channels, px, side, px, side).mean(axis=(3, 5), dtype=np.float32)
    return cells.reshape(count, -1) / np.float32(255)


def features_of(images: np.ndarray, sizes: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return what each probe sees of the images, a row an image."""
    grey = images.reshape(len(images), -1) / np.float32(255)
    mean, variance = grey.mean(axis=1), grey.var(axis=1)
    relative = np.sqrt(variance) / mean
    return {
        **{f"pixels at {px} px": shrunk(images, px) for px in sizes},
        "mean": mean[:, None],
        "variance": variance[:, None],
        "mean, variance, deviation by mean": np.stack([mean, variance, relative], axis=1),
    }


def aucs(train: Split, test: Split, sizes: tuple[int, ...]) -> dict[str, float]:
    """Return the area under the ROC curve of each probe on the test part; of several strengths, the largest."""
    seen, asked = features_of(train.images, sizes), features_of(test.images, sizes)
    found = {}
    for name, rows in seen.items():
        strengths = STRENGTHS if name.startswith("pixels") else (1.0,)
        found[name] = max(auc(rows, train.labels > 0, asked[name], test.labels > 0, by) for by in strengths)
    return found


def auc(rows: np.ndarray, is_defect: np.ndarray, asked: np.ndarray, expected: np.ndarray, strength: float) -> float:
    """Return the area under the ROC curve of one logistic regression."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=200))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows, is_defect)
    return float(roc_auc_score(expected, model.decision_function(asked)))


def main() -> None:
    """Probe the tiles of a task and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="defects", choices=("defects", "defects512"))
    parser.add_argument("--tiles", type=int, default=5_000)
    parser.add_argument("--data-root", type=Path)
    asked = parser.parse_args()
    task = tasks()[asked.task]
    data = task.loader(data_root(asked.data_root), lambda *_told: None)
    train = Split(images=data.train.images[: asked.tiles], labels=data.train.labels[: asked.tiles])
    found = aucs(train, data.test, (8, 16, 32, min(64, task.shape.px)))
    print(f"{len(train.labels):,} training tiles, {len(data.test.labels):,} test tiles of {asked.task}")
    print(tabulate(found.items(), headers=("what the probe sees", "AUC"), floatfmt=".3f"))


if __name__ == "__main__":
    main()
