from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from vitcnn.images import NO_IMAGE, holds_image
from vitcnn.recipes.parts import Affine, Crop, Flip
from vitcnn.recipes.small import DIGITS_CNN
from vitcnn.spec import Split
from vitcnn.tasks.sampling import drawn_sums
from vitcnn.training import Arranged, source_of
from vitcnn.training.augment import augment
from vitcnn.training.fit import batches

STILL = replace(DIGITS_CNN, augmentation=())
MEMBERS = np.array([[0, 1, 2], [3, -1, -1], [4, 4, -1], [5, 0, 5], [1, -1, -1], [2, 3, -1], [6, 6, 6]])


def numbered(count, width=4):
    """Return images whose every pixel is their own index."""
    values = np.arange(count, dtype=np.uint8)[:, None, None, None]
    return np.broadcast_to(values, (count, 1, width, width)).copy()


def split_of(members=MEMBERS, **more):
    return Split(images=numbered(7), members=members, labels=np.arange(len(members)), **more)


@pytest.fixture
def seven(cpu):
    return Arranged.of(split_of(), cpu, num_classes=1)


@pytest.fixture
def anew(cpu):
    draw = partial(drawn_sums, np.arange(7), 1, 3)
    members, labels = draw(0)
    split = Split(images=numbered(7), members=members, labels=labels, drawn_anew=draw)
    return Arranged.of(split, cpu, num_classes=1)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def shown(inputs):
    """Undo the normalisation of sequences of numbered images: the members of each, -1 where there is no image."""
    indices = ((inputs[:, :, 0, 0, 0] + 1) * 255 / 2).round().int()
    return torch.where(holds_image(inputs), indices, -1).tolist()


def epoch(source, batch, generator, number=0, augmentation=()):
    recipe = replace(STILL, batch=batch, augmentation=augmentation)
    return [
        pair
        for inputs, labels in batches(source, recipe, generator, number)
        for pair in zip(shown(inputs), labels.tolist(), strict=True)
    ]


def test_a_split_with_members_is_arranged(cpu):
    source = source_of(split_of(), cpu, num_classes=1)
    assert isinstance(source, Arranged)
    assert source.images.dtype == torch.uint8
    assert (len(source), source.labels.tolist()) == (7, list(range(7)))


def test_bytes_of_a_sequence_are_those_of_its_images(seven):
    """15 images of 16 bytes in 7 sequences: 34.3 bytes each."""
    assert seven.bytes_per_sample == 34


def test_blocks_hold_the_images_of_their_members_alone(seven):
    blocks = list(seven.shuffled(7, 3, seeded(), epoch=5))
    assert [len(block.targets) for block in blocks] == [3, 3, 1]
    for block in blocks:
        rows = MEMBERS[block.targets.numpy()]
        assert block.indices.tolist() == rows[rows >= 0].tolist()
        assert torch.equal(block.images[:, 0, 0, 0].long(), block.indices)
        assert (block.epoch, block.num_classes) == (5, 1)
        places = block.members.numpy()
        assert np.array_equal(places < 0, rows < 0)
        assert np.array_equal(block.indices.numpy()[places[places >= 0]], rows[rows >= 0])


@pytest.mark.parametrize("batch", [1, 2, 7, 64])
def test_every_sequence_is_there_once_an_epoch_with_its_label(seven, batch):
    found = epoch(seven, batch, seeded())
    assert len({label for _, label in found}) == len(found) == 7 // min(batch, 7) * min(batch, 7)
    assert all(members == MEMBERS[label].tolist() for members, label in found)


def test_empty_places_hold_no_image(seven):
    recipe = replace(STILL, batch=7)
    [(inputs, labels)] = batches(seven, recipe, seeded(), 0)
    assert inputs.shape == (7, 3, 1, 4, 4)
    empty = torch.from_numpy(MEMBERS[labels.numpy()] < 0)
    assert (inputs[empty] == NO_IMAGE).all()
    assert (inputs[~empty] >= -1).all()


def test_order_is_new_each_epoch_and_repeats_with_the_seed(seven):
    first, second = (epoch(seven, 7, seeded(), number) for number in range(2))
    assert first != second
    assert epoch(seven, 7, seeded(), 0) == first
    assert epoch(seven, 7, seeded(1), 0) != first


def test_sequences_are_drawn_anew_by_epoch_and_seed(anew):
    def drawn(seed, number):
        return sorted(epoch(anew, 7, seeded(seed), number))

    assert drawn(0, 0) == drawn(0, 0)
    assert len({str(drawn(seed, number)) for seed in range(3) for number in range(3)}) == 9
    for members, label in drawn(2, 1):
        assert label == sum(place for place in members if place >= 0)


def test_what_was_drawn_with_the_split_stays_in_order_and_first(anew):
    expected = anew.members.tolist()
    assert [row for inputs in anew.in_order(2) for row in shown(inputs)] == expected
    first = anew.first(4)
    assert len(first) == 4
    for number in range(3):
        assert sorted(members for members, _ in epoch(first, 4, seeded(), number)) == sorted(expected[:4])
    assert len(anew.first(99)) == 7


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_in_order_is_a_naive_loop(seven, batch):
    expected = torch.full((7, 3, 1, 4, 4), NO_IMAGE)
    for row, members in enumerate(MEMBERS):
        for place, image in enumerate(members):
            if image >= 0:
                expected[row, place] = image / 255 * 2 - 1
    found = list(seven.in_order(batch))
    assert [len(inputs) for inputs in found] == [len(part) for part in torch.arange(7).split(batch)]
    torch.testing.assert_close(torch.cat(found), expected)


@pytest.mark.parametrize(
    "augmentation", [Flip(share=1.0), Affine(translate_px=1), Crop(padding_px=1)], ids=lambda part: part.kind
)
def test_augmentation_touches_images_and_not_empty_places(cpu, augmentation):
    images = np.random.default_rng(0).integers(1, 256, (7, 1, 6, 6), dtype=np.uint8)
    source = Arranged.of(replace(split_of(), images=images), cpu, num_classes=1)
    [(inputs, labels)] = batches(source, replace(STILL, batch=7, augmentation=(augmentation,)), seeded(), 0)
    empty = torch.from_numpy(MEMBERS[labels.numpy()] < 0)
    assert (inputs[empty] == NO_IMAGE).all()
    assert torch.equal(holds_image(inputs), ~empty)
    plain = torch.cat(list(source.in_order(7)))[labels]
    assert not torch.equal(inputs[~empty], plain[~empty])
    if isinstance(augmentation, Flip):
        torch.testing.assert_close(inputs[~empty], plain[~empty].flip(-1))


def test_the_same_image_at_two_places_is_augmented_twice(cpu):
    source = Arranged.of(split_of(np.array([[6, 6, 6]])), cpu, num_classes=1)
    ramp = torch.arange(16, dtype=torch.uint8).view(1, 1, 4, 4).expand(7, 1, 4, 4)
    [block] = replace(source, images=ramp).shuffled(1, 1, seeded(), 0)
    images = augment(block, (Affine(degrees=30),), seeded()).images
    assert len({str(image.tolist()) for image in images}) == 3
