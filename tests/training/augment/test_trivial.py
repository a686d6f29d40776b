from collections import Counter

import pytest
import torch
from scipy import stats
from torchvision.transforms import InterpolationMode, TrivialAugmentWide
from torchvision.transforms.autoaugment import _apply_op

from vitcnn.training.augment.trivial import LEVELS, Draws, Operation, draw, magnitudes, trivial_augment

NAMES = tuple(TrivialAugmentWide()._augmentation_space(LEVELS))
SIGNED = {name for name, (_, signed) in TrivialAugmentWide()._augmentation_space(LEVELS).items() if signed}
WARPS = ("ShearX", "ShearY", "Rotate")
MAX_SHARE_OF_TIES = 1 / 9
"""Of a warped image's pixels: where they come from halfway between two, as the diagonal of one turned by 45 degrees
does (1 / px of all), rounding decides, and it may be another on another processor. Here none differs."""


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(channels, px, count=1):
    """Return noise on a slope: of few enough levels that equalising and stretching change much."""
    noise = torch.randint(0, 90, (count, channels, px, px), generator=generator(1))
    return (noise + 30 + 3 * torch.arange(px)).to(torch.uint8)


def of(operation, level, negative):
    return Draws(operation=torch.tensor(operation), level=torch.tensor(level), negative=torch.tensor(negative))


def torchvisions(image, name, level, negative):
    """Return what TrivialAugmentWide makes of an image after drawing these."""
    sizes, signed = TrivialAugmentWide()._augmentation_space(LEVELS)[name]
    size = float(sizes[level]) if sizes.ndim else 0.0
    sign = -1 if signed and negative else 1
    return _apply_op(image, name, sign * size, InterpolationMode.NEAREST, None)


def test_the_operations_are_torchvisions_in_its_order():
    assert [operation.name.replace("_", "") for operation in Operation] == [name.upper() for name in NAMES]


def test_magnitudes_are_torchvisions():
    table = magnitudes(torch.device("cpu"))
    for row, (name, (sizes, _)) in zip(table, TrivialAugmentWide()._augmentation_space(LEVELS).items(), strict=True):
        expected = sizes.double().expand(LEVELS)
        torch.testing.assert_close(row, expected.trunc() if "Translate" in name else expected, atol=0, rtol=0)


@pytest.mark.parametrize("channels, px", [(1, 28), (3, 32), (3, 9)])
@pytest.mark.parametrize("name", NAMES)
def test_every_operation_is_torchvisions_at_every_level_and_sign(name, channels, px):
    cases = [(level, negative) for level in range(LEVELS) for negative in (False, True)]
    images = pictures(channels, px, len(cases))
    levels, signs = zip(*cases, strict=True)
    ours = trivial_augment(images, of([NAMES.index(name)] * len(cases), levels, signs))
    for image, result, (level, negative) in zip(images, ours, cases, strict=True):
        expected = torchvisions(image, name, level, negative)
        allowed = MAX_SHARE_OF_TIES if name in WARPS else 0
        assert (result != expected).float().mean() <= allowed, (level, negative)


@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_of_a_block_undergoes_its_own_operation_and_no_other(channels):
    images = pictures(channels, 16, 300)
    draws = draw(300, generator(3))
    ours = trivial_augment(images, draws)
    drawn = zip(draws.operation.tolist(), draws.level.tolist(), draws.negative.tolist(), strict=True)
    shares = [
        (result != torchvisions(image, NAMES[operation], level, negative)).float().mean()
        for image, result, (operation, level, negative) in zip(images, ours, drawn, strict=True)
    ]
    assert max(shares) <= MAX_SHARE_OF_TIES
    assert sum(share == 0 for share in shares) > 270


@pytest.mark.parametrize("level", [0, 7, 255])
@pytest.mark.parametrize("name", NAMES)
def test_images_of_one_level_are_torchvisions_too(name, level):
    images = torch.full((2, 3, 8, 8), level, dtype=torch.uint8)
    ours = trivial_augment(images, of([NAMES.index(name)] * 2, [3, 30], [False, True]))
    for image, result, at, negative in zip(images, ours, (3, 30), (False, True), strict=True):
        assert (result.int() - torchvisions(image, name, at, negative).int()).abs().max() <= 1


def test_equalising_by_hand():
    # 16 x 16 pixels, half of them 10, a quarter 20, a quarter 30: a step is 192 // 255 = 0, so nothing changes;
    # 32 x 32: a step is 768 // 255 = 3: 10 -> 1 // 3 = 0; 20 -> 513 // 3 = 171; 30 -> 769 // 3 = 256, cut to 255
    columns = torch.tensor([10, 10, 20, 30], dtype=torch.uint8)
    small, large = columns.repeat(1, 1, 16, 4), columns.repeat(1, 1, 32, 8)
    equalize = of([Operation.EQUALIZE], [0], [False])
    assert torch.equal(trivial_augment(small, equalize), small)
    assert trivial_augment(large, equalize)[0, 0, 0, :4].tolist() == [0, 0, 171, 255]


def test_shifting_by_hand_fills_with_black():
    ramp = torch.arange(1, 41, dtype=torch.uint8).expand(1, 1, 40, 40)
    shift = of([Operation.TRANSLATE_X], [4], [True])  # 4 / 30 of 32 px is 4.27 px, cut to 4
    assert trivial_augment(ramp, shift)[0, 0, 0].tolist() == [*range(5, 41), 0, 0, 0, 0]


def test_operations_and_magnitudes_are_drawn_evenly_and_apart():
    count = 43_400
    draws = draw(count, generator())
    pairs = Counter(zip(draws.operation.tolist(), draws.level.tolist(), strict=True))
    assert len(pairs) == len(Operation) * LEVELS
    assert stats.chisquare(list(pairs.values())).pvalue > 0.001
    assert stats.chisquare(torch.bincount(draws.operation, minlength=14).numpy()).pvalue > 0.001
    signs = [int((draws.negative & (draws.operation == operation)).sum()) for operation in Operation]
    assert all(abs(negative - count / 28) < 4 * (count / 28) ** 0.5 for negative in signs)


def test_only_the_operations_with_two_directions_have_a_sign():
    every = torch.arange(len(Operation))
    level = torch.full_like(every, LEVELS - 1)
    plus, minus = (of(every.tolist(), level.tolist(), [sign] * len(every)).magnitude() for sign in (False, True))
    assert {name for name, one, other in zip(NAMES, plus, minus, strict=True) if one == -other != 0} == SIGNED
    assert all(one == other for name, one, other in zip(NAMES, plus, minus, strict=True) if name not in SIGNED)
