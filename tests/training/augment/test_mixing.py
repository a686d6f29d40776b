from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch.nn import functional as F
from torchvision.transforms import v2

from vitcnn.recipes.parts import Mix
from vitcnn.training.augment import mixing
from vitcnn.training.augment.erasing import Rectangles
from vitcnn.training.augment.mixing import Draws, draw, draw_beta, draw_box, mix, random_mix
from vitcnn.training.block import Block

NUM_CLASSES = 5
MIXUP = Mix(mixup_share=1.0, cutmix_share=0.0)
CUTMIX = Mix(mixup_share=0.0, cutmix_share=1.0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def block(count, px=8, channels=3):
    images = torch.rand(count, channels, px, px, generator=generator(2)) * 2 - 1
    every = torch.arange(count)
    return Block(images=images, targets=every % NUM_CLASSES, indices=every, epoch=0, num_classes=NUM_CLASSES)


def rectangles(drawn):
    top, left, height, width = (torch.tensor(values) for values in zip(*drawn, strict=True))
    return Rectangles(top=top, left=left, height=height, width=width)


@given(lam=st.floats(0, 1), count=st.integers(2, 6))
def test_mixup_is_torchvisions_where_all_images_share_one_draw(lam, count):
    whole = block(count)
    ours = mix(whole, Draws(share=torch.full((count,), lam), cut=rectangles([(0, 0, 0, 0)] * count)))
    theirs = v2.MixUp(num_classes=NUM_CLASSES)
    params = {"lam": lam, "labels": whole.targets, "batch_size": count}
    torch.testing.assert_close(ours.images, theirs.transform(whole.images, params))
    torch.testing.assert_close(ours.targets, theirs.transform(whole.targets, params))


@given(
    rows=st.tuples(st.integers(0, 8), st.integers(0, 8)).map(sorted),
    columns=st.tuples(st.integers(0, 8), st.integers(0, 8)).map(sorted),
)
def test_cutmix_is_torchvisions_where_all_images_share_one_draw(rows, columns):
    whole = block(4)
    (top, bottom), (left, right) = rows, columns
    place = (top, left, bottom - top, right - left)
    ours = mix(whole, Draws(share=torch.ones(4), cut=rectangles([place] * 4)))
    kept = 1 - place[2] * place[3] / 64
    theirs = v2.CutMix(num_classes=NUM_CLASSES)
    params = {"box": (left, top, right, bottom), "lam_adjusted": kept, "labels": whole.targets, "batch_size": 4}
    assert torch.equal(ours.images, theirs.transform(whole.images, params))
    torch.testing.assert_close(ours.targets, theirs.transform(whole.targets, params))


def test_each_image_is_mixed_by_its_own_draw_as_by_hand():
    whole = block(3)
    ours = mix(whole, Draws(share=torch.tensor([0.75, 1, 1]), cut=rectangles([(0,) * 4, (1, 2, 4, 3), (0,) * 4])))
    first, second, third = whole.images
    pasted = second.clone()
    pasted[:, 1:5, 2:5] = first[:, 1:5, 2:5]
    torch.testing.assert_close(ours.images[0], 0.75 * first + 0.25 * third)
    assert torch.equal(ours.images[1], pasted)
    assert torch.equal(ours.images[2], third)
    expected = torch.tensor([[0.75, 0, 0.25, 0, 0], [12 / 64, 52 / 64, 0, 0, 0], [0, 0, 1, 0, 0]])
    torch.testing.assert_close(ours.targets, expected)


def test_the_share_of_a_cut_label_is_that_of_the_pixels():
    whole = replace(
        block(200, px=28, channels=1), images=torch.arange(200.0).reshape(-1, 1, 1, 1).expand(-1, 1, 28, 28)
    )
    mixed = random_mix(whole, CUTMIX, generator())
    own = (mixed.images == whole.images).float().mean(dim=(1, 2, 3))
    torch.testing.assert_close(mixed.targets[torch.arange(200), whole.targets], own)
    assert own.min() < 0.3
    assert own.max() > 0.9


@given(count=st.integers(1, 40), up=st.floats(0, 1), alpha=st.floats(0.1, 10), seed=st.integers(0, 99))
def test_targets_are_shares_that_sum_to_one_and_images_keep_their_range(count, up, alpha, seed):
    whole, settings = block(count), Mix(mixup_share=up, mixup_alpha=alpha, cutmix_share=1 - up, cutmix_alpha=alpha)
    mixed = random_mix(whole, settings, generator(seed))
    assert mixed.targets.shape == (count, NUM_CLASSES)
    assert mixed.targets.dtype == torch.float32
    assert mixed.targets.min() >= 0
    torch.testing.assert_close(mixed.targets.sum(dim=1), torch.ones(count))
    assert mixed.images.shape == whole.images.shape
    assert mixed.images.dtype == whole.images.dtype
    assert mixed.images.abs().max() <= 1 + 1e-6


def test_targets_that_are_shares_already_are_mixed_too():
    whole = block(4)
    shares = replace(whole, targets=F.one_hot(whole.targets, NUM_CLASSES).float())
    draws = draw(MIXUP, 4, 8, generator())
    torch.testing.assert_close(mix(shares, draws).targets, mix(whole, draws).targets)


@pytest.mark.parametrize("alpha", [0.5, 0.8, 1.0, 4.0])
def test_draws_are_of_the_beta_distribution(alpha):
    drawn = draw_beta(alpha, 20_000, generator(1)).double()
    assert stats.kstest(drawn, stats.beta(alpha, alpha).cdf).pvalue > 0.001


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2])
def test_so_they_are_where_most_of_them_lie_next_to_0_and_1(alpha):
    # floats near 1 are too coarse to be held to the distribution, which is symmetric; those near 0 are not
    drawn = draw_beta(alpha, 20_000, generator(1)).double()
    low = drawn[drawn < 0.5]
    assert stats.kstest(low, lambda x: 2 * stats.beta(alpha, alpha).cdf(x)).pvalue > 0.001
    assert abs(len(low) - 10_000) < 300
    assert not drawn.isnan().any()


def test_draws_repeat_with_the_seed_whatever_the_global_state():
    torch.manual_seed(1)
    one = draw_beta(0.8, 10, generator(3))
    torch.manual_seed(2)
    assert torch.equal(one, draw_beta(0.8, 10, generator(3)))
    assert not torch.equal(one, draw_beta(0.8, 10, generator(4)))
    assert len(one.unique()) == 10


def test_boxes_are_as_often_drawn_as_by_torchvision():
    torch.manual_seed(0)
    theirs, image = v2.CutMix(num_classes=2), torch.zeros(1, 1, 28, 28)
    sampled = [theirs.make_params([image])["box"] for _ in range(1500)]
    box = draw_box(draw_beta(1.0, 1500, generator()), 28, generator(1))
    ours = (box.left, box.top, box.left + box.width, box.top + box.height)
    for edge, other in zip(ours, zip(*sampled, strict=True), strict=True):
        assert stats.ks_2samp(edge.numpy(), other).pvalue > 0.001


def test_each_image_is_mixed_in_one_of_the_ways_by_its_share():
    draws = draw(Mix(mixup_share=0.3, cutmix_share=0.5), 4000, 64, generator())
    up, cut = draws.share < 1, draws.cut.height > 0
    assert not (up & cut).any()
    assert abs(up.float().mean() - 0.3) < 0.03
    assert 0.42 < cut.float().mean() < 0.53, "a few boxes are smaller than a pixel"


def test_neither_changes_no_pixel():
    whole = block(6)
    mixed = random_mix(whole, Mix(mixup_share=0.0, cutmix_share=0.0), generator())
    assert torch.equal(mixed.images, whole.images)
    assert torch.equal(mixed.targets, mixing.shares(whole))
