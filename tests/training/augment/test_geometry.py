import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage, stats
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as TF

from vitcnn.images import affine_matrices, warp
from vitcnn.recipes.parts import Affine, AlternatingFlip, Crop, Flip
from vitcnn.training.augment import geometry
from vitcnn.training.block import Block

NOTHING = {"degrees": 0.0, "translate_px": 0.0, "scale": 0.0, "shear_degrees": 0.0}
DIGITS = Affine(degrees=10, translate_px=2, scale=0.1, shear_degrees=5)
PX = 28
COUNT = 2000


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def block(images, epoch=0):
    every = torch.arange(len(images))
    return Block(images=images, targets=every, indices=every, epoch=epoch, num_classes=len(images))


def random_affine(images, bounds, random):
    return geometry.random_affine(block(images), bounds, random).images


def random_flip(images, share, random):
    return geometry.random_flip(block(images), Flip(share=share), random).images


def noise(count=4, px=PX):
    return torch.rand(count, 2, px, px, generator=generator(7)) * 2 - 1


def matrices(*, angle=0.0, shear=0.0, zoom=1.0, shift_x=0.0, shift_y=0.0):
    return affine_matrices(*(torch.tensor([float(value)]) for value in (angle, shear, zoom, shift_x, shift_y)))


def inside(images, margin=8):
    """Return what lies so far inside that no border reaches it."""
    return images[..., margin:-margin, margin:-margin]


@pytest.mark.parametrize(
    "ours, theirs",
    [
        ({"angle": math.radians(10)}, {"angle": -10.0}),
        ({"angle": math.radians(-30)}, {"angle": 30.0}),
        ({"zoom": 1.1}, {"scale": 1.1}),
        ({"zoom": 0.9}, {"scale": 0.9}),
        ({"shear": math.radians(5)}, {"shear": [5.0, 0.0]}),
        ({"shift_x": 4 / PX}, {"translate": [-2, 0]}),
        ({"shift_y": -6 / PX}, {"translate": [0, 3]}),
        ({"angle": math.radians(8), "zoom": 0.95}, {"angle": -8.0, "scale": 0.95}),
    ],
)
def test_each_part_moves_pixels_as_torchvision_does(ours, theirs):
    image = noise(1)
    neutral = {"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0]}
    expected = TF.affine(image, **{**neutral, **theirs}, interpolation=InterpolationMode.BILINEAR)
    torch.testing.assert_close(inside(warp(image, matrices(**ours))), inside(expected), atol=2e-5, rtol=0)


def test_a_whole_draw_is_the_warp_of_scipy_borders_included():
    parts = {"angle": 0.2, "shear": -0.1, "zoom": 1.15, "shift_x": 0.11, "shift_y": -0.07}
    image = noise(1)
    rotation = np.array([[math.cos(0.2), -math.sin(0.2)], [math.sin(0.2), math.cos(0.2)]])  # of (x, y)
    linear = rotation @ np.array([[1, math.tan(-0.1)], [0, 1]]) / 1.15
    centre, shift = np.full(2, (PX - 1) / 2), np.array([0.11, -0.07]) * PX / 2
    offset = centre + shift - linear @ centre
    rows_first = linear[::-1, ::-1]
    channels = [
        ndimage.affine_transform(channel, rows_first, offset=offset[::-1], order=1, mode="nearest")
        for channel in image[0].double().numpy()
    ]
    warped = warp(image, matrices(**parts))[0].double().numpy()
    np.testing.assert_allclose(warped, np.stack(channels), atol=2e-4)


def test_zero_bounds_change_nothing():
    images = noise()
    torch.testing.assert_close(random_affine(images, Affine(**NOTHING), generator()), images, atol=1e-5, rtol=0)


def test_every_image_has_its_own_draw():
    images = noise(1).expand(6, -1, -1, -1)
    warped = random_affine(images, DIGITS, generator())
    assert len({image.numpy().tobytes() for image in warped}) == 6


def test_the_same_seed_gives_the_same_result_and_another_seed_another():
    images = noise()
    one, again, other = (random_affine(images, DIGITS, generator(seed)) for seed in (3, 3, 4))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_images_keep_their_shape_type_and_range():
    images = noise(64).sign()
    warped = random_affine(images, DIGITS, generator())
    assert warped.shape == images.shape
    assert warped.dtype == images.dtype
    assert warped.min() >= -1 - 1e-5
    assert warped.max() <= 1 + 1e-5


def test_images_given_are_left_as_they_were():
    images = noise()
    before = images.clone()
    random_affine(images, DIGITS, generator())
    assert torch.equal(images, before)


def test_what_comes_from_outside_repeats_the_border():
    ones = torch.ones(32, 1, PX, PX)
    far = Affine(**{**NOTHING, "translate_px": 20.0, "degrees": 45.0})
    torch.testing.assert_close(random_affine(ones, far, generator()), ones)


def test_where_pixels_come_from_stays_within_the_bounds_and_uses_them():
    centre, bounds = slice(PX // 2 - 1, PX // 2 + 1), Affine(**{**NOTHING, "translate_px": 2.0})
    columns = torch.arange(PX, dtype=torch.float32).expand(COUNT, 1, PX, PX)
    ramps = torch.cat([columns, columns.transpose(2, 3)], dim=1)  # each pixel says its column and its row
    sources = random_affine(ramps, bounds, generator())[:, :, centre, centre].mean((2, 3))
    shifts = sources - (PX - 1) / 2
    assert shifts.abs().max() <= 2 + 1e-4
    assert (shifts.amin(0) < -1.9).all()
    assert (shifts.amax(0) > 1.9).all()
    correlation = float(torch.corrcoef(shifts.T)[0, 1])
    assert abs(correlation) < 0.1, "the two directions are drawn apart"


@pytest.mark.parametrize(
    "bound, value, low, high",
    [("degrees", 10.0, -10.0, 10.0), ("scale", 0.1, 1 / 1.1, 1 / 0.9)],
)
def test_angles_and_scales_stay_within_the_bounds_and_use_them(bound, value, low, high):
    columns = torch.arange(PX, dtype=torch.float32).expand(COUNT, 1, PX, PX)
    warped = random_affine(columns, Affine(**{**NOTHING, bound: value}), generator())
    middle = PX // 2
    along_x = warped[:, 0, middle, middle + 1] - warped[:, 0, middle, middle]
    along_y = warped[:, 0, middle + 1, middle] - warped[:, 0, middle, middle]
    drawn = torch.rad2deg(torch.atan2(-along_y, along_x)) if bound == "degrees" else along_x
    slack = (high - low) / 20
    assert low - 1e-3 <= drawn.min() < low + slack
    assert high - slack < drawn.max() <= high + 1e-3


def test_flips_mirror_about_the_share_asked_for_each_image_by_its_own_draw():
    images = noise(400, px=4)
    flipped = random_flip(images, 0.25, generator())
    mirrored = [torch.equal(after, before.flip(-1)) for before, after in zip(images, flipped, strict=True)]
    kept = [torch.equal(after, before) for before, after in zip(images, flipped, strict=True)]
    assert all(one != other for one, other in zip(mirrored, kept, strict=True))
    assert 60 < sum(mirrored) < 140, "400 draws of 0.25: within 4.6 standard deviations of 100"


def test_flips_are_told_by_the_draw():
    images = noise(3)
    flipped = geometry.flip(images, torch.tensor([True, False, True]))
    assert torch.equal(flipped, torch.stack((TF.hflip(images[0]), images[1], TF.hflip(images[2]))))


@given(
    channels=st.sampled_from([1, 3]),
    px=st.integers(5, 12),
    padding_px=st.integers(0, 4),
    fill=st.sampled_from(["zeros", "reflect"]),
    data=st.data(),
)
def test_crops_are_torchvisions(channels, px, padding_px, fill, data):
    images = torch.randint(0, 256, (4, channels, px, px), dtype=torch.uint8, generator=generator(px))
    places = st.lists(st.integers(0, 2 * padding_px), min_size=4, max_size=4)
    top, left = data.draw(places), data.draw(places)
    ours = geometry.crop(images, Crop(padding_px=padding_px, fill=fill), torch.tensor(top), torch.tensor(left))
    mode = "reflect" if fill == "reflect" else "constant"
    for image, cut, at, across in zip(images, ours, top, left, strict=True):
        assert torch.equal(cut, TF.crop(TF.pad(image, padding_px, padding_mode=mode), at, across, px, px))


def test_crops_take_every_place_about_equally_often_each_image_by_its_own_draw():
    px, count = 8, 5000
    ramps = (torch.arange(px)[:, None] * 16 + torch.arange(px) + 17).to(torch.uint8).expand(count, 1, px, px)
    cropped = geometry.random_crop(block(ramps), Crop(padding_px=2), generator()).images
    middle = cropped[:, 0, px // 2, px // 2].int() - int(ramps[0, 0, px // 2, px // 2])
    places = (middle + 34).tolist()  # 16 rows down, 1 across; from 2 up and 2 left on
    counts = [places.count(16 * down + across) for down in range(5) for across in range(5)]
    assert sum(counts) == count
    assert stats.chisquare(counts).pvalue > 0.001


def test_alternating_flips_show_every_image_both_ways_in_two_epochs():
    images, both_ways = noise(500, px=4), AlternatingFlip()
    shown = [geometry.alternating_flip(block(images, epoch), both_ways, generator()).images for epoch in range(3)]
    mirrored = torch.stack([(one != images).flatten(1).any(dim=1) for one in shown])
    for before, after, is_mirrored in zip(images, shown[0], mirrored[0], strict=True):
        assert torch.equal(after, TF.hflip(before) if is_mirrored else before)
    assert torch.equal(mirrored[0], ~mirrored[1])
    assert torch.equal(mirrored[0], mirrored[2])
    assert 200 < mirrored[0].sum() < 300, "about half start mirrored"


def test_whether_an_image_starts_mirrored_depends_on_its_place_in_the_split_alone():
    images, order = noise(300, px=4), torch.randperm(300, generator=generator())
    whole = block(images)
    shuffled = replace(whole, images=images[order], indices=order)
    one, other = (geometry.alternating_flip(part, AlternatingFlip(), generator()).images for part in (whole, shuffled))
    assert torch.equal(one[order], other)


def test_who_starts_mirrored_shows_no_pattern():
    coins = geometry.coins(torch.arange(60_000)).double()
    assert abs(coins.mean() - 0.5) < 0.01
    for step in (1, 2, 3, 4, 5, 8, 10, 16):
        assert abs(torch.corrcoef(torch.stack((coins[:-step], coins[step:])))[0, 1]) < 0.025, step
