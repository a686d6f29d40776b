"""LoRA, the head alone, or everything? Study B's question on two really pretrained backbones, a ViT and a CNN.

A ViT-S/14 of DINOv2's layout and an ImageNet EfficientNet-Lite0 (`tools/pretrained_weights.py` makes both files) are
adapted at 112 px to digits (all 1,442 training and 355 test images), glyphs and shapes (2,000 and 2,000), and to 100
and 500 of the training images. Each result is kept in a file below --out as it ends, so that a run can go on where it
was stopped; at the end, and with --report alone, the tables are printed as Markdown.

    python tools/pretrained_pair.py --weights DIR --out DIR [--seeds 3] [--data digits,glyphs,shapes] [--sizes 100,all]
    python tools/pretrained_pair.py --out DIR --report
    python tools/pretrained_pair.py --weights DIR --out DIR --choose 300   # rates, on a fold of the training images
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from tabulate import tabulate
from torch import nn

from vitcnn.bench import Bench
from vitcnn.bench.few import few
from vitcnn.bench.seeds import new_model, result_of, train_seed
from vitcnn.bench.setup import setup_of
from vitcnn.device import numerics, resolve
from vitcnn.folders import write_whole
from vitcnn.intervals import accuracy_interval
from vitcnn.progress import ProgressBar
from vitcnn.quantity import counted
from vitcnn.questions.adaptation import AdaptationCase
from vitcnn.recipes.parts import AdamW, Affine, Flip, Recipe
from vitcnn.spec import Data, Split, Task
from vitcnn.tasks import Tasks, data_root
from vitcnn.tasks import tasks as catalogue

MODEL_PX = 112
NUM_TRAIN = NUM_TEST = 2_000
EPOCHS = {"100": 12, "500": 4, "all": 2}
BATCH = 64
BATCH_NORM_MOMENTUM = 0.1
"""torch's own."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """The learning rates of a method that --choose tries on a fold of the training images, and the best by data set."""

    tried: tuple[float, ...]
    chosen: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A pretrained model, its file, its precision, which is the faster on a CPU, and its methods with their rates."""

    architecture: str
    file: str
    precision: str
    methods: dict[str, Rates]


MODELS = {
    "ViT-S/14": Model(
        architecture="timm/vit_small_patch14_dinov2",
        file="vit_small_patch14_dinov2.safetensors",
        precision="bf16",
        methods={
            "lora16_qv": Rates(tried=(1e-3, 2e-3), chosen={"digits": 2e-3, "glyphs": 2e-3, "shapes": 2e-3}),
            "head": Rates(tried=(1e-2, 3e-2, 1e-1), chosen={"digits": 3e-2, "glyphs": 3e-2, "shapes": 3e-2}),
            "full": Rates(tried=(3e-5, 1e-4), chosen={"digits": 3e-5, "glyphs": 3e-5, "shapes": 3e-5}),
        },
    ),
    "EfficientNet-Lite0": Model(
        architecture="timm/tf_efficientnet_lite0",
        file="tf_efficientnet_lite0.safetensors",
        precision="fp32",
        methods={
            "lora16_conv": Rates(
                tried=(5e-4, 1e-3, 2e-3, 4e-3), chosen={"digits": 2e-3, "glyphs": 1e-3, "shapes": 4e-3}
            ),
            "head": Rates(tried=(1e-2, 3e-2, 1e-1), chosen={"digits": 3e-2, "glyphs": 3e-2, "shapes": 3e-2}),
            "full": Rates(tried=(1e-3, 3e-3, 1e-2), chosen={"digits": 3e-3, "glyphs": 3e-3, "shapes": 3e-3}),
        },
    ),
}


def main() -> None:
    """Measure what is not there yet, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=os.environ.get("VITCNN_TEST_WEIGHTS"), metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", default="digits,glyphs,shapes")
    parser.add_argument("--sizes", default=",".join(EPOCHS))
    parser.add_argument("--choose", type=int, default=0, metavar="N", help="images of a fold to choose rates with")
    parser.add_argument("--report", action="store_true")
    asked = parser.parse_args()
    if not asked.report:
        tasks = Tasks(data_root())
        tasks._entries.update({name: cut(name, is_fold=bool(asked.choose)) for name in asked.data.split(",")})
        bench = Bench(device=resolve("cpu"), tasks=tasks, progress=ProgressBar())
        cells = choices(asked) if asked.choose else planned(asked)
        for cell in cells:
            measure(cell, asked, bench)
    print(report(asked.out))


def cut(name: str, *, is_fold: bool) -> Task:
    """Return a task with 2,000 images in each part at most; as a fold, every fifth training image is its test part."""

    def load(whole: Task, root: Path, progress: Any) -> Data:
        data = whole.loader(root, progress)
        if is_fold:
            tested = np.arange(len(data.train.labels)) % 5 == 0
            data = Data(train=part(data.train, ~tested), test=part(data.train, tested))
        return Data(train=few_or_all(data.train, NUM_TRAIN), test=few_or_all(data.test, NUM_TEST))

    whole = catalogue()[name]
    return replace(whole, loader=partial(load, whole))


def part(split: Split, chosen: np.ndarray) -> Split:
    """Return the images of a mask."""
    return Split(images=split.images[chosen], labels=split.labels[chosen])


def few_or_all(split: Split, count: int) -> Split:
    """Return so many images of a split, of each class as many, or all where there are fewer."""
    return split if len(split.labels) <= count else few(split, count, seed=0)


Cell = dict[str, Any]


def planned(asked: argparse.Namespace) -> Iterator[Cell]:
    """Yield the cells, small ones and first seeds first."""
    for seed in range(asked.seeds):
        for size in asked.sizes.split(","):
            for data in asked.data.split(","):
                for name, model in MODELS.items():
                    for method, rates in model.methods.items():
                        what = {"data": data, "size": size, "model": name, "method": method}
                        yield {**what, "seed": seed, "rate": rates.chosen[data]}


def choices(asked: argparse.Namespace) -> Iterator[Cell]:
    """Yield the cells that rates are chosen by."""
    for data in asked.data.split(","):
        for name, model in MODELS.items():
            for method, rates in model.methods.items():
                what = {"data": data, "size": str(asked.choose), "model": name, "method": method}
                yield from ({**what, "seed": 0, "rate": rate} for rate in rates.tried)


def measure(cell: Cell, asked: argparse.Namespace, bench: Bench) -> None:
    """Train and ask one seed, and keep what came of it."""
    path = asked.out / ("-".join(str(value) for value in cell.values()).replace("/", "") + ".json")
    if path.exists():
        return
    model, size, seed = MODELS[cell["model"]], cell["size"], cell["seed"]
    by = Recipe(
        name="pretrained_pair",
        epochs=EPOCHS.get(size, 8),
        batch=min(BATCH, 32 if size == "100" else BATCH),
        optimizer=AdamW(peak_learning_rate=cell["rate"], weight_decay=0.01),
        warmup_share=0.1,
        augmentation=augmentation(cell["data"]) if cell["method"] != "head" else (),
        weights=f"file:{Path(asked.weights) / model.file}",
        model_px=MODEL_PX,
        source="tools/pretrained_pair.py",
    )
    if cell["method"] == "head":
        by = replace(by, epochs=30)  # of features, which are computed once
    case = AdaptationCase(
        architecture=model.architecture,
        task=cell["data"],
        recipe="transfer_full",
        adaptation=cell["method"],
        precision=model.precision,  # type: ignore[arg-type]
        num_seeds=1,
    )
    every = bench.tasks.data(cell["data"], bench.progress).train
    train = every if size == "all" else few(every, int(size), seed=seed)
    with numerics(bench.device):
        setup = setup_of(case, bench, by=by, train=train)
        trained = with_quick_statistics(new_model(setup, seed))
        before, wall = os.times(), time.perf_counter()
        history = train_seed(setup, trained, setup.train, seed)
        after, wall_s = os.times(), time.perf_counter() - wall
        result = result_of(setup, trained, history)
    labels = setup.data.test.labels
    right = result.confidences.numpy().argmax(axis=1) == labels
    found = {
        **cell,
        "accuracy": float(right.mean()),
        "right": np.packbits(right).tobytes().hex(),
        "num_test": len(right),
        "num_train": len(setup.train),
        "epochs": by.epochs,
        "num_trainable": setup.settings(range(1))["num_trainable"],
        "training_time_s": wall_s,
        "cpu_s": after.user - before.user + after.system - before.system,
        "threads": torch.get_num_threads(),
        "precision": model.precision,
        "torch": str(torch.__version__),
        "weights": dict(setup.weights),
    }
    write_whole(path, json.dumps(found, indent=1))
    print(f"{path.stem}: {100 * found['accuracy']:.1f} %, {wall_s:.0f} s, {found['cpu_s']:.0f} s of CPU", flush=True)


def with_quick_statistics(model: nn.Module) -> nn.Module:
    """Return the model, in which batch norms that train follow in tens of steps, not in hundreds.

    EfficientNet-Lite0 has a momentum of 0.01: after the 24 steps of a short training it was asked with statistics of
    ImageNet, and had 15 % of the digits.
    """
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = BATCH_NORM_MOMENTUM
    return model


def augmentation(data: str) -> tuple[Any, ...]:
    """Return the study's flip and shift of images; characters are not mirrored."""
    shift = Affine(degrees=10, translate_px=2, scale=0.1, shear_degrees=0)
    return (Flip(), shift) if data == "shapes" else (shift,)


def report(out: Path) -> str:
    """Return a table for each data set."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(out.glob("*.json"))]
    tables = []
    for data in dict.fromkeys(entry["data"] for entry in found):
        rows = []
        for name, model in MODELS.items():
            for method in model.methods:
                of_row = [e for e in found if (e["data"], e["model"], e["method"]) == (data, name, method)]
                if of_row:
                    rows.append([name, method, f"{of_row[0]['num_trainable']:,}", *cells_of(of_row)])
        headers = ["model", "method", "trained", *(f"{size} images" for size in sizes(found))]
        tables.append(f"### {data}\n\n" + tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))
    return "\n\n".join(tables)


def sizes(found: Sequence[Cell]) -> list[str]:
    """Return the sizes that were measured, in order."""
    return sorted({e["size"] for e in found}, key=lambda size: (size == "all", size.zfill(6)))


def cells_of(of_row: Sequence[Cell]) -> list[str]:
    """Return of each size the accuracy with its interval, the seeds, and the seconds of CPU of a seed."""
    texts = []
    for size in sizes(of_row):
        seeds = [e for e in of_row if e["size"] == size]
        if len({e["rate"] for e in seeds}) > 1:
            texts.append("; ".join(f"{e['rate']:g}: {100 * e['accuracy']:.1f}" for e in seeds))
            continue
        right = np.stack([np.unpackbits(np.frombuffer(bytes.fromhex(e["right"]), np.uint8)) for e in seeds])
        interval = accuracy_interval(right[:, : seeds[0]["num_test"]].astype(float))
        low, high = 100 * interval.low, 100 * interval.high
        cpu_s = fmean(e["cpu_s"] for e in seeds)
        of = counted(len(seeds), "seed")
        texts.append(f"{100 * interval.estimate:.1f} [{low:.1f}, {high:.1f}], {of}, {cpu_s:,.0f} s")
    return texts


if __name__ == "__main__":
    main()
