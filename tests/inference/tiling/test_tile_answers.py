import numpy as np
import pytest
import torch
from scipy.special import logsumexp, softmax

from vitcnn.errors import UserError
from vitcnn.inference import TileGrid
from vitcnn.inference.tiling import detections, frame_logits, heat_maps

GRID = TileGrid(width=30, height=20, tile_px=10, overlap=0)  # two rows of three tiles


@pytest.fixture
def logits():
    return torch.randn(6, 4, generator=torch.Generator().manual_seed(0))


def test_a_frame_is_reduced_from_its_tiles(logits):
    array = logits.double().numpy()
    expected = {"mean": array.mean(0), "max": array.max(0), "logsumexp": logsumexp(array, axis=0, b=1 / 6)}
    for how, values in expected.items():
        np.testing.assert_allclose(frame_logits(logits, how), values, rtol=1e-5)
    with pytest.raises(UserError, match=r"^how: 'median' cannot be used"):
        frame_logits(logits, "median")


def test_heat_maps_lie_as_the_tiles_do(logits):
    maps = heat_maps(logits, GRID)
    assert maps.shape == (4, 2, 3)
    probabilities = softmax(logits.numpy(), axis=1)
    np.testing.assert_allclose(maps[1], [probabilities[:3, 1], probabilities[3:, 1]], rtol=1e-5)


def test_the_surest_tiles_come_first(logits):
    probabilities = softmax(logits.numpy(), axis=1)
    surest = np.argsort(-probabilities.max(1))[:2]
    found = detections(logits, GRID, most=2)
    assert [one.box for one in found] == [GRID.boxes[at] for at in surest]
    assert [one.label for one in found] == probabilities[surest].argmax(1).tolist()
    np.testing.assert_allclose([one.probability for one in found], probabilities[surest].max(1), rtol=1e-5)
    assert len(detections(logits, GRID, most=99)) == 6
