import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vitcnn.spec import Split
from vitcnn.training import Resident, predict

SETTINGS = {"precision": "fp32", "layout": torch.contiguous_format}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(196, 3)).train()


@pytest.fixture
def split(cpu):
    images = np.random.default_rng(0).integers(0, 256, (50, 1, 9, 9), dtype=np.uint8)
    return Resident.of(Split(images=images, labels=np.zeros(50, dtype=np.int64)), cpu, num_classes=3)


def test_every_image_has_its_probabilities_in_order(model, split):
    answers = predict(model, split, **SETTINGS)
    assert not model.training
    with torch.no_grad():
        singly = torch.cat([model(image).softmax(dim=1) for image in split.in_order(1)])
    assert answers.dtype == torch.float32
    torch.testing.assert_close(answers, singly)


def test_more_images_than_fit_into_a_batch(model, split):
    many = Resident(images=split.images.repeat(12, 1, 1, 1), labels=split.labels.repeat(12), num_classes=3)
    torch.testing.assert_close(predict(model, many, **SETTINGS), predict(model, split, **SETTINGS).repeat(12, 1))


def test_logits_of_an_image_and_its_mirror_image_are_averaged(model, split):
    answers = predict(model, split, **SETTINGS, test_time="flip")
    images = next(split.in_order(50))
    with torch.no_grad():
        expected = ((model(images) + model(images.flip(3))) / 2).softmax(dim=1)
    torch.testing.assert_close(answers, expected)


def test_shifted_copies_weigh_half_of_it_together(model, split):
    answers = predict(model, split, **SETTINGS, test_time="flip_and_shift")
    images = next(split.in_order(50))
    padded = F.pad(images, (1, 1, 1, 1), mode="reflect")
    up_left, down_right = padded[..., :9, :9], padded[..., 2:, 2:]

    def both(batch):
        return (model(batch) + model(batch.flip(3))) / 2

    with torch.no_grad():
        logits = 0.5 * both(images) + 0.25 * both(up_left) + 0.25 * both(down_right)
    torch.testing.assert_close(answers, logits.softmax(dim=1))
