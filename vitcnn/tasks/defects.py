"""Tiles of scenes with planted defects: none, a crack, a scratch or a blob, and the exact mask of each tile.

A tile is of the class of which most of its pixels are, where these are at least `least_px` of its side; of fewer it
is of none. The scenes of the training part, of the test part and of the held-out frames have other seeds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy.ndimage import find_objects

from vitcnn.spec import Data, InputShape, Progress, Split, Task
from vitcnn.tasks import scenes
from vitcnn.tasks.cache import cached
from vitcnn.tasks.scenes import CLASSES, Scene, make_scene

TRAIN, TEST, FRAMES = 0, 1, 2
"""The first part of a scene's seed: where it belongs."""

Place = tuple[int, int, int]
"""The top, the left and the class of a tile."""

VERSION = 1
"""Raised whenever the same scenes give other tiles than before."""


@dataclass(frozen=True, kw_only=True)
class TileKind:
    """Tiles of `tile_px` pixels a side, as many as `num_train` and `num_test`, of scenes of `width` x `height`.

    `unit_px` is the size of things in these scenes.
    """

    name: str
    tile_px: int
    unit_px: int
    width: int
    height: int
    num_train: int
    num_test: int


SMALL = TileKind(name="defects", tile_px=64, unit_px=64, width=1280, height=720, num_train=5_000, num_test=1_000)
LARGE = TileKind(name="defects512", tile_px=512, unit_px=256, width=3840, height=2160, num_train=5_000, num_test=1_000)

KINDS = {kind.name: kind for kind in (SMALL, LARGE)}
"""By the names of their tasks."""


def least_px(tile_px: int) -> int:
    """Return how many pixels of a defect a tile must hold to be of its class: 24 of 64 px, 543 of 512 px.

    That is a line of usual width over about a seventh of the tile.
    """
    return round(24 * (tile_px / 64) ** 1.5)


def label_of(mask: np.ndarray, tile_px: int) -> int:
    """Return the class of a tile of `tile_px` by the classes of its pixels, (rows, columns): the rule above.

    Of classes that have as many pixels, the first.
    """
    counts = np.bincount(mask.ravel(), minlength=len(CLASSES))[1:]
    return int(counts.argmax()) + 1 if counts.max() >= least_px(tile_px) else 0


def frame(kind: TileKind, number: int, *, width: int | None = None, height: int | None = None) -> Scene:
    """Return a held-out frame: no tile of the task is of it. As large as the task's scenes, unless asked otherwise."""
    return make_scene(
        width=width or kind.width, height=height or kind.height, seed=(FRAMES, number), unit_px=kind.unit_px
    )


def load_tiles(kind: TileKind, data_root: Path, progress: Progress) -> Data:
    """Return the tiles: made once, then kept below `data_root`, as are their masks."""

    def make() -> Data:
        tiles, masks = make_tiles(kind, seed=0, progress=progress)
        cached(_path(kind, data_root, "masks-"), lambda: masks)
        return tiles

    return cached(_path(kind, data_root), make)


def load_masks(kind: TileKind, data_root: Path, progress: Progress) -> Data:
    """Return the classes of the pixels of the same tiles, in the same order: images are uint8 (count, 1, px, px)."""
    return cached(_path(kind, data_root, "masks-"), lambda: make_tiles(kind, seed=0, progress=progress)[1])


def make_tiles(kind: TileKind, *, seed: int, progress: Progress) -> tuple[Data, Data]:
    """Return the tiles and their masks: classes balanced, order shuffled; same seed, same tiles."""
    total = kind.num_train + kind.num_test

    def report(done: int) -> None:
        progress(done, total, f"{done:,}/{total:,} tiles of {kind.name} made")

    train = _split(kind, (TRAIN, seed), kind.num_train, report)
    test = _split(kind, (TEST, seed), kind.num_test, lambda done: report(kind.num_train + done))
    tiles, masks = (Data(train=of_train, test=of_test) for of_train, of_test in zip(train, test, strict=True))
    return tiles, masks


def _path(kind: TileKind, data_root: Path, what: str = "") -> Path:
    return data_root / "made" / f"{kind.name}-{what}{_key(kind)}.npz"


def _key(kind: TileKind) -> str:
    settings = {"versions": (scenes.VERSION, VERSION), "seed": 0, **vars(kind)}
    return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:12]


def _split(kind: TileKind, seed: tuple[int, int], count: int, report: Callable[[int], None]) -> tuple[Split, Split]:
    """Return one part of the tiles, and of their masks."""
    order = np.random.default_rng(seed).permutation(count)  # tiles of a scene do not stay together
    images, masks = (np.empty((count, depth, kind.tile_px, kind.tile_px), dtype=np.uint8) for depth in (3, 1))
    labels = np.empty(count, dtype=np.int64)
    wanted = np.bincount(np.arange(count) % len(CLASSES), minlength=len(CLASSES))
    done = 0
    for scene, places in _chosen(kind, seed, wanted):
        mask = scene.mask
        for top, left, label in places:
            rows, columns = slice(top, top + kind.tile_px), slice(left, left + kind.tile_px)
            images[order[done]], masks[order[done], 0] = scene.image[:, rows, columns], mask[rows, columns]
            labels[order[done]] = label
            done += 1
        report(done)
    return Split(images=images, labels=labels), Split(images=masks, labels=labels)


def _chosen(kind: TileKind, seed: tuple[int, int], wanted: np.ndarray) -> Iterator[tuple[Scene, list[Place]]]:
    """Yield scenes, and the tiles that are cut out of each, until there are as many of each class as are wanted."""
    left_over, number = wanted.copy(), 0
    while left_over.any():
        scene = make_scene(width=kind.width, height=kind.height, seed=(*seed, number), unit_px=kind.unit_px)
        chosen = []
        for place in _as_many_without(_on_things(scene, kind, np.random.default_rng((*seed, number, 1)))):
            if left_over[place[2]]:
                left_over[place[2]] -= 1
                chosen.append(place)
        yield scene, chosen
        number += 1


def _as_many_without(places: list[Place]) -> list[Place]:
    """Return the tiles with defects, and of those without as many as of a class of defects: of every scene some."""
    with_defects = [place for place in places if place[2]]
    without = [place for place in places if not place[2]]
    count = -(-len(with_defects) // (len(CLASSES) - 1))
    return with_defects + without[:: max(1, len(without) // max(1, count))][:count]


def _on_things(scene: Scene, kind: TileKind, rng: np.random.Generator) -> list[Place]:
    """Return a tile for each thing, defect or mark, in the order of the things: a pixel of it lies anywhere in it."""
    places, mask, px = [], scene.mask, kind.tile_px
    for number, box in enumerate(find_objects(scene.things), 1):
        if box is None:  # other things hide it
            continue
        down, across = np.nonzero(scene.things[box] == number)
        chosen = rng.integers(len(down))
        at = np.array((box[0].start + down[chosen], box[1].start + across[chosen]))
        top, left = np.clip(at - rng.integers(px, size=2), 0, (kind.height - px, kind.width - px)).tolist()
        places.append((top, left, label_of(mask[top : top + px, left : left + px], px)))
    return places


def _task(kind: TileKind) -> Task:
    return Task(
        name=kind.name,
        shape=InputShape(px=kind.tile_px, channels=3, num_classes=len(CLASSES)),
        classes=CLASSES,
        loader=partial(load_tiles, kind),
        recipes="photos",
        target_accuracy=0.8,
        source="made here",
    )


DEFECTS = _task(SMALL)
"""For CPUs."""

DEFECTS512 = _task(LARGE)
"""For GPUs: 4.7 GB, made when asked for."""
