"""What is drawn over a frame, of answers made by hand."""

import numpy as np
import pytest

from vitcnn.commands.tile.drawing import boxes_of, drawn, shared
from vitcnn.commands.tile.look import ClassMap, Seen, by_area
from vitcnn.inference import TileGrid
from vitcnn.inference.tiling.grid import Box

NAMES = ("cat", "dog", "horse")


def seen(of_tiles, width, height, px=100, overlap=0.0, **more):
    grid = TileGrid(width=width, height=height, tile_px=px, overlap=overlap)
    scores = np.array(of_tiles, dtype=np.float32)
    return Seen(grid=grid, of_tiles=scores, of_frame=scores.mean(axis=0), **more)


def test_each_class_has_its_surest_tile_before_any_has_two():
    scores = [[0.99, 0, 0.01], [0.98, 0.02, 0], [0.97, 0.03, 0], [0.4, 0.6, 0], [0.1, 0.2, 0.7], [0.96, 0, 0.04]]
    found = boxes_of(seen(scores, 600, 100), NAMES)
    assert [(one.name, one.value) for one in reversed(found)] == [
        ("cat", "0.99"),
        ("horse", "0.70"),
        ("dog", "0.60"),
        ("cat", "0.98"),
        ("cat", "0.97"),
    ]
    assert found[-1].box == (0, 0, 100, 100)


def test_tiles_of_one_class_that_show_nearly_the_same_are_one_box():
    # tiles at 0, 100 and 110: the last two share 90 %
    assert len(boxes_of(seen([[0.1, 0.9, 0], [0.2, 0.8, 0], [0.3, 0.7, 0]], 210, 100), NAMES)) == 2
    assert len(boxes_of(seen([[0.1, 0.9, 0], [0.2, 0.8, 0], [0.7, 0.3, 0]], 210, 100), NAMES)) == 3


def test_what_two_boxes_share():
    assert shared(Box(0, 0, 10, 10), Box(5, 5, 15, 15)) == 0.25
    assert shared(Box(0, 0, 10, 10), Box(10, 0, 20, 10)) == 0
    assert shared(Box(0, 0, 10, 10), Box(20, 20, 30, 30)) == 0


@pytest.mark.parametrize("heat_class, brightest", [(None, (0, 1)), (0, (1, 2)), (2, (0, 0))])
def test_the_heat_map_lies_where_its_tiles_do(heat_class, brightest):
    rows = [
        [(0.1, 0.1, 0.8), (0.0, 1.0, 0.0), (0.1, 0.9, 0.0)],
        [(0.1, 0.9, 0.0), (0.1, 0.9, 0.0), (0.6, 0.4, 0.0)],
    ]
    answers = seen(np.reshape(rows, (6, 3)), 900, 600, px=300)
    frame = np.zeros((600, 900, 3), dtype=np.uint8)
    found = drawn(frame, answers, NAMES, output="tiles", heat_class=heat_class).astype(int)
    middles = found[150:600:300, 150:900:300].sum(axis=-1)
    assert np.unravel_index(middles.argmax(), middles.shape) == brightest


def test_a_map_is_numbered_by_area_and_keeps_its_classes():
    numbers = np.array([[0, 2, 2], [2, 1, 1]], dtype=np.uint8)
    found = by_area(numbers, [10, 20, 30])
    np.testing.assert_array_equal(found.numbers, [[2, 0, 0], [0, 1, 1]])
    assert found.classes == (30, 20, 10)
    assert found.shares == (0.5, pytest.approx(1 / 3), pytest.approx(1 / 6))


@pytest.mark.parametrize("output", ["tiles", "dense", "frame"])
def test_all_frames_of_a_video_are_drawn_at_one_size(output):
    frame, shapes = np.zeros((100, 100, 3), dtype=np.uint8), set()
    for scores, count in (([0.9, 0.1, 0.0], 1), ([0.2, 0.3, 0.5], 3)):
        numbers = np.zeros((100, 100), dtype=np.uint8)
        class_map = ClassMap(numbers=numbers, classes=(0, 1, 2)[:count], shares=(1 / count,) * count)
        answers = seen([scores], 100, 100, class_map=class_map if output == "dense" else None)
        shapes.add(drawn(frame, answers, NAMES, output=output, heat_class=None).shape)
    assert len(shapes) == 1
