import pytest
import torch
from torch import nn

from vitcnn.device import peak_bytes
from vitcnn.errors import UserError
from vitcnn.inference import TileGrid, Tiler
from vitcnn.inference.tiling import batch_within
from vitcnn.inference.tiling.blending import CLASSES_AT_ONCE

GRID = TileGrid(width=320, height=320, tile_px=32, overlap=0)
OF_A_TILE = 3 * 32 * 32 * 4
EACH = 3 * OF_A_TILE
"""What the model below holds at its peak for each tile: the tile, and two results of its size."""

NUMBERS = 100
"""Bytes that are enough for the numbers in the model below."""


class Twice(nn.Module):
    """Holds what it is given and two results of its size at its peak."""

    def forward(self, tiles):
        first = tiles + 1
        return first * 2


@pytest.mark.parametrize("tiles", [1, 2, 5])
def test_as_many_tiles_as_fit_and_not_one_more(cpu, tiles):
    assert batch_within(tiles * EACH + NUMBERS, Twice(), GRID, cpu) == tiles
    assert batch_within(tiles * EACH + EACH - 1, Twice(), GRID, cpu) == tiles


def test_no_more_than_are_ever_faster(cpu):
    assert batch_within(10**12, Twice(), GRID, cpu) == 8
    assert batch_within(None, Twice(), GRID, cpu) == 8, "half of the free memory is more than kilobytes"


def test_no_more_than_the_frame_has(cpu):
    assert batch_within(None, Twice(), TileGrid(width=64, height=32, tile_px=32, overlap=0), cpu) == 2


def test_a_budget_holds_what_blending_takes_too(cpu):
    row = 4 * 32 * (320 + (2 + CLASSES_AT_ONCE) * 32)
    assert batch_within(2 * EACH + row + NUMBERS, Twice(), GRID, cpu, is_dense=True) == 2
    assert batch_within(2 * EACH + row - NUMBERS, Twice(), GRID, cpu, is_dense=True) == 1
    frame, out = torch.zeros(3, 320, 320, dtype=torch.uint8), torch.empty(3, 320, 320)
    tiler = Tiler(model=Twice(), tile_px=32, overlap=0, batch=2)
    assert peak_bytes(cpu, lambda: tiler.dense(frame, out)) <= 2 * EACH + row + 10 * NUMBERS


def test_a_budget_below_one_tile_is_refused(cpu):
    with pytest.raises(UserError, match=r"^memory: '36,863 bytes' .* at least 36,8.. bytes, which one tile of 32 px"):
        batch_within(EACH - 1, Twice(), GRID, cpu)


def test_the_peak_on_a_cpu_is_that_of_live_tensors(cpu):
    one_mb = torch.zeros(250_000)
    assert peak_bytes(cpu, lambda: (one_mb + 1).mul_(2)) == pytest.approx(1_000_000, abs=100)
    assert peak_bytes(cpu, lambda: (one_mb + 1) + (one_mb + 2)) == pytest.approx(3_000_000, abs=100)
    assert peak_bytes(cpu, lambda: [one_mb + 1 for _ in range(3)] and None) == pytest.approx(3_000_000, abs=100)
    assert peak_bytes(cpu, lambda: None) == 0
