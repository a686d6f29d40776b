"""Oracles by hand: frames of a few tiles whose scores are written down."""

import numpy as np
import pytest

from vitcnn.bench.found import FALSE_ALARMS, Truth, findings_of, found_at, threshold_at, truth_of
from vitcnn.inference import TileGrid
from vitcnn.tasks.scenes import Scene


def scene_of(things, classes):
    return Scene(
        image=np.zeros((3, *things.shape), np.uint8),
        things=things.astype(np.uint16),
        classes=np.array(classes, dtype=np.uint8),
    )


def boxes(overlap):
    return TileGrid(width=128, height=64, tile_px=64, overlap=overlap).boxes


def test_truth_says_which_tiles_hold_enough_of_which_defect():
    things = np.zeros((64, 128), int)
    things[0, :30] = 1  # a crack, all of it in the left tile
    things[10, 54:84] = 2  # a scratch, 10 pixels in the left tile and 20 in the right one
    things[20, 100:123] = 3  # a blob of 23 pixels: too small to be asked for
    things[30:40, 90:120] = 4  # a mark
    truth = truth_of(scene_of(things, [0, 1, 2, 3, 0]), boxes(0.0), 64)
    assert truth.labels.tolist() == [1, 0]
    assert truth.is_bare.tolist() == [False, False]
    assert truth.kinds.tolist() == [1, 2]
    assert truth.holds.tolist() == [[True, False], [False, False]]


def test_overlap_gives_a_tile_to_a_defect_on_the_edge():
    things = np.zeros((64, 128), int)
    things[10, 49:79] = 1
    apart, overlapping = (truth_of(scene_of(things, [0, 2]), boxes(overlap), 64) for overlap in (0.0, 0.25))
    assert not apart.holds.any()
    assert overlapping.holds[:, 0].tolist() == [False, True, False]  # from 0, 48 and 64


def test_a_mark_alone_leaves_a_tile_bare():
    things = np.zeros((64, 128), int)
    things[10:20, 10:20] = 1
    truth = truth_of(scene_of(things, [0, 0]), boxes(0.0), 64)
    assert truth.is_bare.all()
    assert truth.holds.shape == (2, 0)


TRUTH = Truth(
    labels=np.array([0, 0, 0, 0, 1, 2]),
    is_bare=np.array([True, True, True, False, False, False]),
    holds=np.array([[0, 0], [0, 0], [0, 0], [0, 0], [1, 0], [0, 1]], dtype=bool),
    kinds=np.array([1, 2]),
)
SCORES = np.array([0.1, 0.5, 0.3, 0.9, 0.4, 0.2])
"""Of three bare tiles, one that holds a little of a defect, and one for each of two defects."""


@pytest.mark.parametrize("false_alarms, threshold", [(0.25, 0.5), (1.0, 0.3), (2.0, 0.1), (5.0, -np.inf)])
def test_the_threshold_lets_as_many_bare_tiles_pass_as_are_stated(false_alarms, threshold):
    assert threshold_at([SCORES], [TRUTH], false_alarms) == threshold


def test_of_two_frames_the_false_alarms_add_up():
    assert threshold_at([SCORES, SCORES], [TRUTH, TRUTH], 0.5) == 0.5, "one of two tiles at 0.5 may pass: neither does"
    assert threshold_at([SCORES, SCORES], [TRUTH, TRUTH], 1.0) == 0.3


def test_a_defect_is_found_by_a_tile_that_holds_it_and_scores_above_the_threshold():
    assert found_at([SCORES], [TRUTH], 0.3).tolist() == [True, False]
    assert found_at([SCORES], [TRUTH], 0.4).tolist() == [False, False]
    assert found_at([SCORES], [TRUTH], 0.1).tolist() == [True, True]


def test_findings_by_hand():
    answers = np.zeros((6, 4))
    answers[:, 0], answers[:, 1] = 1 - SCORES, SCORES  # what is above 0.5 is a crack; ties are of none
    confusion = np.array([[80, 10, 0, 0], [5, 5, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    found = findings_of([answers], confusion, [TRUTH])
    assert found["tile_accuracy"] == pytest.approx(3 / 6), "three bare ones; the fourth is taken for a crack"
    assert found["recall"] == 0.5
    assert found["recalls"].tolist() == [0, 0, 0.5, 1, 1, 1]
    assert len(FALSE_ALARMS) == 6
    assert (found["defects"].tolist(), found["found"].tolist()) == ([1, 1, 0], [1, 0, 0])
    assert found["in_a_tile"] == 1
    assert found["miou"] == pytest.approx((80 / 95 + 5 / 20) / 2), "of the classes that there are"
    assert found["defect_iou"] == pytest.approx(5 / 20), "of cracks alone"
    assert found["unions"].tolist() == [95, 20, 0, 0]
