from fractions import Fraction
from itertools import pairwise
from math import floor

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from monai.data.utils import dense_patch_slices

from vitcnn.errors import UserError
from vitcnn.inference import TileGrid, tile_logits
from vitcnn.inference.tiling import starts


@st.composite
def grids(draw):
    width, height = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    tile_px = draw(st.integers(1, min(width, height)))
    percent = draw(st.integers(0, 95))
    assume(tile_px * (100 - percent) >= 100)  # tiles that step by less than a pixel cannot overlap as asked
    return TileGrid(width=width, height=height, tile_px=tile_px, overlap=percent / 100)


def test_a_4k_frame_is_45_tiles_as_monai_cuts_it():
    grid = TileGrid(width=3840, height=2160, tile_px=512, overlap=0.1)
    slices = dense_patch_slices((2160, 3840), (512, 512), (460, 460))
    assert grid.corners == tuple((rows.start, columns.start) for rows, columns in slices)
    assert len(grid.corners) == 45


@given(grids())
def test_tiles_stay_inside_and_cover_every_pixel(grid):
    seen = torch.zeros(grid.height, grid.width, dtype=torch.bool)
    for top, left in grid.corners:
        assert 0 <= top <= grid.height - grid.tile_px
        assert 0 <= left <= grid.width - grid.tile_px
        seen[top : top + grid.tile_px, left : left + grid.tile_px] = True
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
    slices = dense_patch_slices((grid.height, grid.width), (grid.tile_px,) * 2, (step, step))
    assert grid.corners == tuple((rows.start, columns.start) for rows, columns in slices)


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


@pytest.mark.parametrize("tile_px", [0, -5, 51])
def test_tiles_that_do_not_fit_the_frame_are_refused(tile_px):
    with pytest.raises(UserError, match=rf"^tile_px: {tile_px} .*1 to 50, the shorter side of the 100x50 frame"):
        TileGrid(width=100, height=50, tile_px=tile_px, overlap=0.1)


@pytest.mark.parametrize("batch", [1, 2, 4, 100])
def test_logits_are_those_of_each_tile_in_the_order_of_the_corners(batch):
    frame = torch.randint(0, 256, (3, 23, 31), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    grid = TileGrid(width=31, height=23, tile_px=8, overlap=0.25)
    sizes = []

    def forward(tiles):
        sizes.append(len(tiles))
        return torch.stack([tiles.mean((1, 2, 3)), tiles[:, 2, 0, 7]], dim=1)

    logits = tile_logits(forward, frame, grid, batch=batch)
    scaled = frame.double() * 2 / 255 - 1
    tiles = [scaled[:, top : top + 8, left : left + 8] for top, left in grid.corners]
    expected = torch.tensor([[tile.mean(), tile[2, 0, 7]] for tile in tiles])
    torch.testing.assert_close(logits.double(), expected.double(), atol=1e-5, rtol=0)
    assert max(sizes) == min(batch, len(tiles))
    assert sum(sizes) == len(tiles)
