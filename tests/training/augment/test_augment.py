from dataclasses import replace
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from recipe_builders import EVERYTHING
from torch.utils._python_dispatch import TorchDispatchMode

from vitcnn.errors import UserError
from vitcnn.images import normalize
from vitcnn.recipes.parts import STAGES, Affine, AlternatingFlip, Augmentation, Crop, Flip, Jitter, Mix, RandomErasing
from vitcnn.training.augment import OPERATIONS, augment
from vitcnn.training.block import Block

EVERY = EVERYTHING.augmentation


class NothingForTheHost(TorchDispatchMode):
    """Refuses what makes a host wait for its GPU: values it reads, shapes that depend on values, constants it sends."""

    REFUSED = ("_local_scalar_dense", "nonzero", "masked_select", "bincount", "unique", "lift_fresh", "equal", "where")

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        waits = name in self.REFUSED and not (name == "where" and len(args) == 3)
        if name in ("index", "index_put", "index_put_"):
            waits = any(index is not None and index.dtype == torch.bool for index in args[1])
        assert not waits, f"{function} makes the host wait"
        return function(*args, **(kwargs or {}))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def photos(count=12, channels=3, px=16):
    images = torch.randint(0, 256, (count, channels, px, px), dtype=torch.uint8, generator=generator(1))
    every = torch.arange(count)
    return Block(images=images, targets=every % 4, indices=every, epoch=1, num_classes=4)


def test_every_augmentation_has_an_operation_and_a_stage():
    assert set(OPERATIONS) == set(get_args(Augmentation))
    assert {type(part) for part in EVERY} == set(OPERATIONS)
    assert sorted(kind.__name__ for stage in STAGES for kind in stage) == sorted(kind.__name__ for kind in OPERATIONS)


def test_without_augmentation_images_are_normalised():
    block = photos()
    plain = augment(block, (), generator())
    torch.testing.assert_close(plain.images, normalize(block.images))
    assert replace(plain, images=block.images) == block


@pytest.mark.parametrize("part", EVERY, ids=lambda part: part.kind)
def test_equal_images_end_differently(part):
    block = photos()
    alike = replace(block, images=block.images[:1].expand(100, -1, -1, -1), indices=torch.arange(100))
    alike = replace(alike, targets=torch.zeros(100, dtype=torch.int64))
    if isinstance(part, Mix):
        alike = replace(alike, images=alike.images + torch.arange(100, dtype=torch.uint8)[:, None, None, None])
    ended = augment(alike, (part,), generator()).images
    num_kinds = len({image.numpy().tobytes() for image in ended})
    assert num_kinds == 2 if isinstance(part, Flip | AlternatingFlip) else num_kinds > 20


@pytest.mark.parametrize("part", EVERY, ids=lambda part: part.kind)
def test_what_is_given_is_left_as_it_was(part):
    block = photos()
    if not isinstance(part, STAGES[0]):
        block = replace(block, images=normalize(block.images))
    before = block.images.clone(), block.targets.clone()
    OPERATIONS[type(part)](block, part, generator())
    assert torch.equal(block.images, before[0])
    assert torch.equal(block.targets, before[1])


@pytest.mark.parametrize("part", EVERY, ids=lambda part: part.kind)
def test_nothing_waits_for_the_device(part):
    with NothingForTheHost():
        augment(photos(), (part,), generator())


@pytest.mark.parametrize(
    "waits",
    [
        lambda images: images.max().item(),
        lambda images: images[images > 3],
        lambda images: images.masked_fill_(images > 3, 0)[torch.where(images == 0)],
        lambda images: images + torch.tensor([1], dtype=torch.uint8),
        lambda images: bool(images.any()),
    ],
)
def test_what_waits_would_be_noticed(waits):
    images = photos().images
    with pytest.raises(AssertionError, match="makes the host wait"), NothingForTheHost():
        waits(images)


@pytest.mark.parametrize("part", EVERY, ids=lambda part: part.kind)
def test_draws_repeat_with_the_seed_whatever_the_global_state(part):
    def images(seed):
        torch.manual_seed(int(torch.randint(999, ())))
        return augment(photos(), (part,), generator(seed)).images

    assert torch.equal(images(3), images(3))
    assert isinstance(part, AlternatingFlip) or not torch.equal(images(3), images(4))


@given(
    parts=st.lists(st.sampled_from(EVERY), max_size=6),
    count=st.integers(1, 9),
    channels=st.sampled_from([1, 3]),
    px=st.integers(6, 20),
    seed=st.integers(0, 99),
)
def test_any_recipe_gives_as_many_normalised_images_and_a_target_for_each(parts, count, channels, px, seed):
    ordered = sorted(parts, key=lambda part: [isinstance(part, stage) for stage in STAGES].index(True))
    block = photos(count, channels, px)
    ended = augment(block, ordered, generator(seed))
    assert ended.images.shape == (count, channels, px, px)
    assert ended.images.dtype == torch.float32
    assert ended.images.abs().max() <= 1 + 1e-5
    if any(isinstance(part, Mix) for part in parts):
        torch.testing.assert_close(ended.targets.sum(dim=1), torch.ones(count))
    else:
        assert torch.equal(ended.targets, block.targets)


@pytest.mark.parametrize(
    "make, settings, message",
    [
        (Crop, {"padding_px": -1}, r"padding_px of Crop: -1 cannot be used\. Allowed: whole numbers from 0"),
        (Crop, {"padding_px": 1, "fill": "wrap"}, "fill of Crop: 'wrap' .* zeros, reflect"),
        (Flip, {"share": 1.5}, r"share of Flip: 1\.5 .* shares from 0 to 1"),
        (Affine, {"scale": 1.0}, r"scale of Affine: 1\.0 .* shares from 0, below 1"),
        (Jitter, {"contrast": 2.0}, r"contrast of Jitter: 2\.0"),
        (RandomErasing, {"share": -0.1}, "share of RandomErasing"),
        (RandomErasing, {"share": 0.5, "area": (0.5, 0.1)}, "area of RandomErasing: .* the smaller one first"),
        (RandomErasing, {"share": 0.5, "aspect": (0.0, 1.0)}, "aspect of RandomErasing"),
        (Mix, {"mixup_alpha": 0.0}, r"mixup_alpha of Mix: 0\.0 .* numbers from 0\.01"),
        (Mix, {"cutmix_share": -0.5}, "cutmix_share of Mix"),
        (Mix, {"mixup_share": 0.8, "cutmix_share": 0.8}, r"mixup_share \+ cutmix_share: 1\.6 .* in at most one way"),
    ],
)
def test_settings_out_of_bounds_are_refused(make, settings, message):
    with pytest.raises(UserError, match=message):
        make(**settings)
