import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms import functional as TF

from vitcnn.recipes.parts import Jitter
from vitcnn.training.augment import colour
from vitcnn.training.block import Block


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def photos(count, channels, px=9, seed=1):
    return torch.randint(0, 256, (count, channels, px, px), generator=generator(seed), dtype=torch.uint8)


def doubles(*values):
    return torch.tensor(values, dtype=torch.float64)


def jittered(images, bounds, seed=0):
    every = torch.arange(len(images))
    block = Block(images=images, targets=every, indices=every, epoch=0, num_classes=len(images))
    return colour.random_jitter(block, bounds, generator(seed)).images


@given(
    channels=st.sampled_from([1, 3]),
    brightness=st.lists(st.floats(0, 2), min_size=3, max_size=3),
    contrast=st.lists(st.floats(0, 2), min_size=3, max_size=3),
    seed=st.integers(0, 99),
)
def test_each_image_is_torchvisions_brightness_then_contrast_to_a_level(channels, brightness, contrast, seed):
    images = photos(3, channels, seed=seed)
    ours = colour.jitter(images, doubles(*brightness), doubles(*contrast))
    for image, result, light, strength in zip(images, ours, brightness, contrast, strict=True):
        expected = TF.adjust_contrast(TF.adjust_brightness(image, light), strength)
        assert (result.int() - expected.int()).abs().max() <= 1
        assert (result != expected).float().mean() < 0.05, "the mean is summed in another order, hence not always equal"


def test_contrast_by_hand():
    image = torch.tensor([10, 20, 30, 140], dtype=torch.uint8).reshape(1, 1, 2, 2)  # mean 50
    [[result]] = colour.jitter(image, doubles(1), doubles(0.5))
    assert result.flatten().tolist() == [30, 35, 40, 95]


def test_brightness_by_hand_ends_at_white():
    image = torch.tensor([0, 101, 127, 200], dtype=torch.uint8).reshape(1, 1, 2, 2)
    [[result]] = colour.jitter(image, doubles(1.5), doubles(1))
    assert result.flatten().tolist() == [0, 151, 190, 255]


def test_factors_are_drawn_for_each_image_within_the_bounds():
    greys = torch.full((500, 1, 2, 2), 100, dtype=torch.uint8)
    levels = jittered(greys, Jitter(brightness=0.2))[:, 0, 0, 0]
    assert 79 <= levels.min() <= 82
    assert 117 <= levels.max() <= 120
    assert len(levels.unique()) > 30


def test_brightness_and_contrast_are_drawn_apart():
    halves = torch.tensor([100, 200], dtype=torch.uint8).repeat(500, 1, 2, 1)
    low, high = jittered(halves, Jitter(brightness=0.2, contrast=0.2)).float()[:, 0, 0].unbind(1)
    factors = torch.stack(((low + high) / 300, (high - low) / (low + high)))
    assert abs(float(torch.corrcoef(factors)[0, 1])) < 0.15, "500 draws: 3.3 standard deviations"


@pytest.mark.parametrize("channels", [1, 3])
def test_bounds_of_zero_change_nothing(channels):
    images = photos(4, channels)
    assert torch.equal(jittered(images, Jitter()), images)
