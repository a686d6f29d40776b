"""Draws what a model says of a frame over it: the heat map of a class, the surest tiles, or a map of classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vitcnn.commands.tile.look import MOST_IN_A_MAP, ClassMap, Seen
from vitcnn.inference.tiling.grid import Box
from vitcnn.media.lettering import Item, Line
from vitcnn.media.overlay import HEAT, Found, classes_over, colours_of, heat_over, overlay, palette

MOST_BOXES = 5
MOST_ANSWERS = 3
SAME_AREA = 0.5
"""Two tiles of one class that share more of their area than this are drawn as one."""

STEPS_OF_A_BAR = 256
LINES_OF_A_MAP = 3


def drawn(frame: np.ndarray, seen: Seen, names: Sequence[str], *, output: str, heat_class: int | None) -> np.ndarray:
    """Return the overlay, uint8 RGB, of a frame, (height, width, 3); every frame of a size gives one of a size."""
    answer = answer_line(seen, names)
    if output == "frame":
        return overlay(frame, lines=[answer])
    if seen.class_map is not None:
        painted = classes_over(frame, seen.class_map.numbers)
        return overlay(painted, lines=[answer, *lines_of_map(seen.class_map, names)])
    shown = int(seen.of_frame.argmax()) if heat_class is None else heat_class
    grid, scores = seen.grid, seen.of_tiles[:, shown].reshape(len(seen.grid.tops), len(seen.grid.lefts))
    most = float(scores.max())
    painted = heat_over(frame, scores / most if most > 0 else scores, grid.tops, grid.lefts, grid.tile_px)
    bar = Item(text=f"{most:.2g}: score of {names[shown]} in a tile", sample=bar_of_heat())
    return overlay(painted, boxes=boxes_of(seen, names), lines=[answer, [Item(text="0"), bar]])


def answer_line(seen: Seen, names: Sequence[str]) -> Line:
    """Return the line that says what the frame is taken for."""
    best = np.argsort(-seen.of_frame, kind="stable")[:MOST_ANSWERS]
    said = ", ".join(f"{names[number]} {seen.of_frame[number]:.2f}" for number in best)
    return [Item(text=f"whole frame: {said}")]


def lines_of_map(class_map: ClassMap, names: Sequence[str]) -> list[Line]:
    """Return the lines that say which colour is which class, and the share of the frame that it covers."""
    there = [number for number, share in enumerate(class_map.shares) if share]
    items = [
        Item(text=f"{names[class_map.classes[n]]} {100 * class_map.shares[n]:.0f} %", sample=palette()[n : n + 1])
        for n in there
    ]
    each = -(-MOST_IN_A_MAP // LINES_OF_A_MAP)
    return [items[first : first + each] for first in range(0, MOST_IN_A_MAP, each)]


def bar_of_heat() -> np.ndarray:
    """Return the colours of a heat map, from the lowest score to the highest: uint8 (256, 3)."""
    return colours_of(HEAT, np.linspace(0, 1, STEPS_OF_A_BAR))


def boxes_of(seen: Seen, names: Sequence[str]) -> list[Found]:
    """Return a few sure tiles, of each class the surest before any second one, to be drawn in the reverse order."""
    labels, scores = seen.of_tiles.argmax(axis=1), seen.of_tiles.max(axis=1)
    ranked: list[tuple[int, int]] = []
    kept: dict[int, list[Box]] = {}
    for tile in map(int, np.argsort(-scores, kind="stable")):
        box, alike = seen.grid.boxes[tile], kept.setdefault(int(labels[tile]), [])
        if not any(shared(box, other) > SAME_AREA for other in alike):
            ranked.append((len(alike), tile))
            alike.append(box)
    chosen = [tile for _, tile in sorted(ranked, key=lambda entry: entry[0])[:MOST_BOXES]]
    return [
        Found(box=sides(seen.grid.boxes[tile]), name=names[labels[tile]], value=f"{scores[tile]:.2f}")
        for tile in reversed(chosen)
    ]


def sides(box: Box) -> tuple[int, int, int, int]:
    """Return a box as (left, top, right, bottom)."""
    return box.left, box.top, box.right, box.bottom


def shared(one: Box, other: Box) -> float:
    """Return which share of the area of `one` also lies in `other`."""
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    width = min(one.right, other.right) - max(one.left, other.left)
    return max(0, height) * max(0, width) / ((one.bottom - one.top) * (one.right - one.left))
