"""Scores what a model says of the tiles of frames whose defects are known: NumPy alone.

A defect is found where a tile holds at least `least_px` of its pixels and has a score above the threshold: the score of
a tile is the probability that it is of any class but none. A false alarm is a tile above the threshold that holds no
pixel of a defect; of tiles that overlap, each counts. The threshold is the lowest at which the scored frames have no
more false alarms than are stated: it is chosen by these frames' own tiles without defects. Defects of fewer than
`least_px` visible pixels are not asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vitcnn.tasks.defects import label_of, least_px
from vitcnn.tasks.scenes import CLASSES, Scene

FALSE_ALARMS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
"""False alarms a frame at which recall is stated; the metric is that at one."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What there is in the tiles of one frame.

    `labels` (tiles,) are their classes, `is_bare` (tiles,) says which hold no pixel of a defect, and `holds`, bool
    (tiles, defects), which hold enough of which defect; `kinds` (defects,) are the classes of these.
    """

    labels: np.ndarray
    is_bare: np.ndarray
    holds: np.ndarray
    kinds: np.ndarray


def truth_of(scene: Scene, boxes: Sequence[tuple[int, int, int, int]], tile_px: int) -> Truth:
    """Return what there is in the tiles at `boxes`, (top, left, bottom, right) each."""
    mask, least = scene.mask, least_px(tile_px)
    visible = np.bincount(scene.things.ravel(), minlength=len(scene.classes))
    asked = np.flatnonzero((visible >= least) & (scene.classes > 0))
    labels, is_bare, holds = [], [], []
    for top, left, bottom, right in boxes:
        part = mask[top:bottom, left:right]
        inside = np.bincount(scene.things[top:bottom, left:right].ravel(), minlength=len(scene.classes))
        labels.append(label_of(part, tile_px))
        is_bare.append(not part.any())
        holds.append(inside[asked] >= least)
    return Truth(
        labels=np.array(labels),
        is_bare=np.array(is_bare),
        holds=np.array(holds).reshape(len(boxes), len(asked)),
        kinds=scene.classes[asked],
    )


def threshold_at(scores: Sequence[np.ndarray], truths: Sequence[Truth], false_alarms: float) -> float:
    """Return the lowest threshold above which the frames' bare tiles are at most `false_alarms` a frame."""
    of_bare = np.concatenate([score[truth.is_bare] for score, truth in zip(scores, truths, strict=True)])
    allowed = int(false_alarms * len(truths))
    highest_first = np.sort(of_bare)[::-1]
    return float(highest_first[allowed]) if allowed < len(highest_first) else -np.inf


def found_at(scores: Sequence[np.ndarray], truths: Sequence[Truth], threshold: float) -> np.ndarray:
    """Return which defects of all frames are found, bool (defects,)."""
    return np.concatenate(
        [(truth.holds & (score > threshold)[:, None]).any(axis=0) for score, truth in zip(scores, truths, strict=True)]
    )


def share(which: np.ndarray) -> float:
    """Return the mean, of answers the share that is true; 0 of nothing."""
    return float(which.mean()) if len(which) else 0.0


def findings_of(
    probabilities: Sequence[np.ndarray], confusion: np.ndarray, truths: Sequence[Truth]
) -> dict[str, np.ndarray]:
    """Return what the frames say of one seed, by name.

    `probabilities` (tiles, classes) are those of each frame's tiles, and `confusion` (true, predicted) counts the
    pixels of all frames. Of the defects of each class, how many there are and how many are found at one false alarm.
    """
    scores = [1 - of_frame[:, 0] for of_frame in probabilities]
    right = np.concatenate([p.argmax(axis=1) == t.labels for p, t in zip(probabilities, truths, strict=True)])
    kinds = np.concatenate([truth.kinds for truth in truths])
    found = {at: found_at(scores, truths, threshold_at(scores, truths, at)) for at in FALSE_ALARMS}
    intersections = np.diag(confusion)
    unions = confusion.sum(axis=0) + confusion.sum(axis=1) - intersections
    is_there = unions > 0
    of_each = intersections[is_there] / unions[is_there]
    return {
        "tile_accuracy": np.array(share(right)),
        "recall": np.array(share(found[1.0])),
        "recalls": np.array([share(found[at]) for at in FALSE_ALARMS]),
        "defects": np.bincount(kinds, minlength=len(CLASSES))[1:],
        "found": np.bincount(kinds[found[1.0]], minlength=len(CLASSES))[1:],
        "in_a_tile": np.array(share(np.concatenate([truth.holds.any(axis=0) for truth in truths]))),
        "defect_iou": np.array(share(of_each[np.flatnonzero(is_there) > 0])),
        "miou": np.array(share(of_each)),
        "intersections": intersections,
        "unions": unions,
    }
