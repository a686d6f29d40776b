from fractions import Fraction
from itertools import pairwise
from math import floor

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from monai.data.utils import dense_patch_slices

from vitcnn.errors import UserError
from vitcnn.inference import TileGrid
from vitcnn.inference.tiling.grid import starts


@st.composite
def grids(draw):
    width, height = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    tile_px = draw(st.integers(1, 200))
    percent = draw(st.integers(0, 95))
    assume(tile_px * (100 - percent) >= 100)  # tiles that step by less than a pixel cannot overlap as asked
    return TileGrid(width=width, height=height, tile_px=tile_px, overlap=percent / 100)


def test_a_4k_frame_is_45_tiles_as_monai_cuts_it():
    grid = TileGrid(width=3840, height=2160, tile_px=512, overlap=0.1)
    slices = dense_patch_slices((2160, 3840), (512, 512), (460, 460))
    assert grid.corners == tuple((rows.start, columns.start) for rows, columns in slices)
    assert len(grid.corners) == 45


@given(grids())
def test_every_pixel_is_covered_and_no_tile_begins_outside_of_a_frame_that_is_large_enough(grid):
    seen = torch.zeros(grid.height, grid.width, dtype=torch.bool)
    for (top, left), box in zip(grid.corners, grid.boxes, strict=True):
        for start, length in ((top, grid.height), (left, grid.width)):
            assert min(0, length - grid.tile_px) <= start <= max(0, length - grid.tile_px)
        seen[box.top : box.bottom, box.left : box.right] = True
    assert seen.all()


@given(grids())
def test_neighbours_overlap_by_at_least_what_was_asked(grid):
    for axis in (0, 1):
        begins = sorted({corner[axis] for corner in grid.corners})
        for one, other in pairwise(begins):
            assert one + grid.tile_px - other >= grid.overlap * grid.tile_px - 1e-9


@given(grids())
def test_tiles_are_unique_and_go_row_by_row(grid):
    assert list(grid.corners) == sorted(set(grid.corners))


@given(grids())
def test_tiles_are_those_of_monai(grid):
    step = max(1, floor(grid.tile_px * (1 - Fraction(str(grid.overlap)))))  # in floats 90 * (1 - 0.9) is below 9
    padded = tuple(max(length, grid.tile_px) for length in (grid.height, grid.width))
    slices = dense_patch_slices(padded, (grid.tile_px,) * 2, (step, step))
    before = [max(grid.tile_px - length, 0) // 2 for length in (grid.height, grid.width)]
    assert grid.corners == tuple((rows.start - before[0], columns.start - before[1]) for rows, columns in slices)


@pytest.mark.parametrize(
    "length, tile_px, overlap, expected",
    [
        (10, 10, 0.5, (0,)),
        (20, 10, 0.0, (0, 10)),
        (21, 10, 0.0, (0, 10, 11)),
        (20, 10, 0.5, (0, 5, 10)),
        (2160, 512, 0.1, (0, 460, 920, 1380, 1648)),
        (16, 10, 0.8, (0, 2, 4, 6)),  # a step of exactly 2, which floating point makes a little less
    ],
)
def test_where_tiles_begin_by_hand(length, tile_px, overlap, expected):
    assert starts(length, tile_px, overlap) == expected


@pytest.mark.parametrize("overlap", [-0.1, 1, 1.5, float("nan")])
def test_an_overlap_outside_its_bounds_is_refused(overlap):
    with pytest.raises(UserError, match=r"^overlap: .* cannot be used\. Allowed: shares from 0, below 1"):
        TileGrid(width=100, height=100, tile_px=10, overlap=overlap)


@pytest.mark.parametrize("field, value", [("tile_px", 0), ("tile_px", -5), ("width", 0), ("height", 2.5)])
def test_sizes_that_are_no_whole_numbers_from_1_are_refused(field, value):
    sizes = {"width": 100, "height": 50, "tile_px": 10, field: value}
    with pytest.raises(UserError, match=rf"^{field}: {value} cannot be used\. Allowed: whole numbers from 1"):
        TileGrid(**sizes, overlap=0.1)


def test_a_frame_smaller_than_a_tile_lies_in_the_middle_of_one():
    grid = TileGrid(width=7, height=25, tile_px=10, overlap=0.1)
    assert grid.corners == ((0, -1), (9, -1), (15, -1))  # three columns are missing, one of them before the frame
    assert grid.boxes == ((0, 0, 10, 7), (9, 0, 19, 7), (15, 0, 25, 7))
