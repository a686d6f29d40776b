from dataclasses import replace

import numpy as np
import pytest
import torch
from torchvision.transforms.v2.functional import resize

from vitcnn.device import Device
from vitcnn.recipes.small import DIGITS_CNN
from vitcnn.spec import Split
from vitcnn.training import Resident, Streamed, shrunk_split, source_of, streamed
from vitcnn.training import num_batches as count_batches
from vitcnn.training.fit import batches

STILL = replace(DIGITS_CNN, augmentation=())


def numbered(count):
    """Return images whose every pixel is their own index, which is also their label."""
    images = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 1, 4, 4)).copy()
    return Split(images=images, labels=np.arange(count))


@pytest.fixture(params=[Resident, Streamed])
def ten(request, cpu):
    return request.param.of(numbered(10), cpu, num_classes=10)


def epoch(source, batch, generator, number=0):
    """Return the indices and labels of an epoch's batches."""
    recipe = replace(STILL, batch=batch)
    return [(indices(images), labels.tolist()) for images, labels in batches(source, recipe, generator, number)]


def indices(images):
    """Undo the normalisation of numbered images: -1..1 back to 0..255."""
    return ((images[:, 0, 0, 0] + 1) * 255 / 2).round().int().tolist()


def test_a_split_is_copied_as_bytes(ten):
    assert ten.images.dtype == torch.uint8
    assert ten.labels.dtype == torch.int64
    assert ten.images.shape == (10, 1, 4, 4)


@pytest.mark.parametrize("batch, num_batches", [(1, 10), (4, 2), (5, 2), (10, 1), (11, 1), (64, 1)])
def test_number_of_batches_by_hand(ten, batch, num_batches):
    assert count_batches(ten, replace(STILL, batch=batch)) == num_batches
    assert len(epoch(ten, batch, torch.Generator().manual_seed(0))) == num_batches


def test_an_epoch_has_whole_batches_and_leaves_the_rest_out(ten):
    batches = epoch(ten, 4, torch.Generator().manual_seed(0))
    assert [len(labels) for _, labels in batches] == [4, 4]
    seen = [label for _, labels in batches for label in labels]
    assert len(set(seen)) == 8
    assert set(seen) < set(range(10))


def test_a_split_smaller_than_a_batch_is_one_smaller_batch(ten):
    [(_, labels)] = epoch(ten, 64, torch.Generator().manual_seed(0))
    assert sorted(labels) == list(range(10))


def test_images_keep_their_labels(ten):
    for images, labels in epoch(ten, 3, torch.Generator().manual_seed(1)):
        assert images == labels


def test_order_is_new_each_epoch_and_repeats_with_the_seed(ten):
    def epochs(seed):
        generator = torch.Generator().manual_seed(seed)
        return [epoch(ten, 5, generator, number) for number in range(2)]

    first, second = epochs(0)
    assert first != second
    assert epochs(0) == [first, second]
    assert epochs(1)[0] != first


def test_whom_the_last_partial_batch_leaves_out_changes(ten):
    generator = torch.Generator().manual_seed(0)
    left_out = {
        frozenset(range(10)) - {label for _, labels in epoch(ten, 4, generator, number) for label in labels}
        for number in range(20)
    }
    assert len(left_out) > 1


def test_in_order_yields_every_image_once_with_the_last_partial_batch(ten):
    batches = [indices(images) for images in ten.in_order(4)]
    assert batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_batches_are_normalised(cpu):
    images = np.array([0, 255], dtype=np.uint8).reshape(2, 1, 1, 1)
    resident = Resident.of(Split(images=images, labels=np.arange(2)), cpu, num_classes=2)
    assert next(resident.in_order(2)).flatten().tolist() == [-1.0, 1.0]


def test_blocks_say_where_their_images_lie_and_which_epoch_it_is(ten):
    blocks = list(ten.shuffled(8, 3, torch.Generator().manual_seed(0), epoch=5))
    assert [len(block.images) for block in blocks] == [3, 3, 2]
    for block in blocks:
        assert torch.equal(block.images[:, 0, 0, 0].long(), block.indices)
        assert torch.equal(block.targets, block.indices)
        assert (block.epoch, block.num_classes) == (5, 10)


def test_the_first_images_alone(ten):
    first = ten.first(4)
    assert len(first) == 4
    assert [indices(images) for images in first.in_order(9)] == [[0, 1, 2, 3]]
    assert len(ten.first(99)) == 10


def test_on_a_cpu_everything_is_resident(cpu):
    assert isinstance(source_of(numbered(10), cpu, num_classes=10), Resident)


@pytest.mark.parametrize("num_bytes, kind", [(40, Resident), (41, Streamed)])
def test_on_cuda_a_split_is_resident_up_to_its_share_of_the_free_memory(monkeypatch, num_bytes, kind):
    device = Device(name="cuda:1", key="nvidia-test")
    monkeypatch.setattr(streamed, "spare_bytes", lambda asked: {device: 40}[asked])
    monkeypatch.setattr(Resident, "of", lambda *_args, **_settings: Resident(images=None, labels=None, num_classes=1))
    images = np.zeros((1, 1, 1, num_bytes), dtype=np.uint8)
    split = Split(images=images, labels=np.zeros(1, dtype=np.int64))
    assert isinstance(source_of(split, device, num_classes=1), kind)


def test_shrunk_split_images_are_torchvisions_own_and_larger_ones_are_not_made(cpu):
    images = np.random.default_rng(0).integers(0, 256, (300, 3, 64, 64), dtype=np.uint8)
    split = Split(images=images, labels=np.arange(300))
    assert shrunk_split(split, 64, cpu) is split
    assert shrunk_split(split, 224, cpu) is split
    small = shrunk_split(split, 32, cpu)
    expected = resize(torch.from_numpy(images).float(), [32, 32], antialias=True).round()
    assert small.images.dtype == np.uint8
    assert np.array_equal(small.labels, split.labels)
    torch.testing.assert_close(torch.from_numpy(small.images).float(), expected, atol=1, rtol=0)
