import pytest
import torch
from torch import nn

from vitcnn.device import peak_bytes
from vitcnn.errors import UserError
from vitcnn.inference.tiling import batch_within

TILE = (3, 32, 32)
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
    assert batch_within(tiles * EACH + NUMBERS, Twice(), TILE, cpu) == tiles
    assert batch_within(tiles * EACH + EACH - 1, Twice(), TILE, cpu) == tiles


def test_no_more_than_are_ever_faster(cpu):
    assert batch_within(10**12, Twice(), TILE, cpu) == 8
    assert batch_within(None, Twice(), TILE, cpu) == 8, "half of the free memory is more than kilobytes"


def test_a_budget_below_one_tile_is_refused(cpu):
    with pytest.raises(UserError, match=r"^memory: '36,863 bytes' .* at least 36,8.. bytes, which one tile of 32 px"):
        batch_within(EACH - 1, Twice(), TILE, cpu)


def test_the_peak_on_a_cpu_is_that_of_live_tensors(cpu):
    one_mb = torch.zeros(250_000)
    assert peak_bytes(cpu, lambda: (one_mb + 1).mul_(2)) == pytest.approx(1_000_000, abs=100)
    assert peak_bytes(cpu, lambda: (one_mb + 1) + (one_mb + 2)) == pytest.approx(3_000_000, abs=100)
    assert peak_bytes(cpu, lambda: [one_mb + 1 for _ in range(3)] and None) == pytest.approx(3_000_000, abs=100)
    assert peak_bytes(cpu, lambda: None) == 0
