import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from vitcnn.architectures.layers.whitening import Whitening


def textured(count, channels, px, seed=0):
    """Return images whose neighbouring pixels and channels are alike, and none of whose means is zero."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand((count, 1, px // 4, px // 4), generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=px, mode="bilinear")
    return smooth - 0.7 + 0.1 * torch.randn((count, channels, px, px), generator=generator)


def patches_by_slicing(images):
    """Return every 2x2 patch, (patches, values), in float64."""
    px = images.shape[-1]
    rows = [images[:, :, top : top + 2, left : left + 2].flatten(1) for top in range(px - 1) for left in range(px - 1)]
    return torch.cat(rows).double().numpy()


@pytest.mark.parametrize("channels", [1, 3])
def test_responses_are_uncorrelated_with_equal_variance_and_no_mean(channels):
    images = textured(60, channels, 16)
    layer = Whitening(channels)
    layer.initialize_from(images)
    half = 4 * channels
    with torch.no_grad():
        responses = layer(images)
    assert responses.shape == (60, 2 * half, 15, 15)
    values = responses.double().transpose(0, 1).flatten(1).numpy()
    np.testing.assert_allclose(np.cov(values[:half]), np.eye(half), atol=0.06)  # what is added to variances is missing
    np.testing.assert_allclose(values.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(values[half:], -values[:half], atol=1e-4)


def test_directions_are_those_of_scikit_learns_pca():
    images = textured(60, 3, 16)
    layer = Whitening(3)
    layer.initialize_from(images)
    rows = layer.weight.detach()[:12].flatten(1).double().numpy()
    directions = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    expected = PCA().fit(patches_by_slicing(images)).components_[::-1]
    # the two largest variances differ from all others; of equal ones the directions are anyone's choice
    for ours, theirs in zip(directions[-2:], expected[-2:], strict=True):
        assert abs(ours @ theirs) == pytest.approx(1, abs=1e-3)


def test_a_direction_that_never_varies_stays_finite():
    images = textured(20, 1, 8).expand(-1, 3, -1, -1)
    layer = Whitening(3)
    layer.initialize_from(images)
    assert torch.isfinite(layer.weight).all()
    assert layer.weight.abs().max() < 1e3


def test_weight_is_frozen_and_bias_trains():
    layer = Whitening(3)
    assert {name: parameter.requires_grad for name, parameter in layer.named_parameters()} == {
        "weight": False,
        "bias": True,
    }
