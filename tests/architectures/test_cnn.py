import pytest
import torch
from torch import nn

from vitcnn.architectures.cnn import LENET, RESNET18
from vitcnn.metrics.macs import macs
from vitcnn.spec import InputShape


def num_parameters(entry, px, channels, num_classes=10):
    with torch.device("meta"):
        model = entry.build(InputShape(px=px, channels=channels, num_classes=num_classes))
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("px", [28, 32])
def test_lenet_for_grey_images_has_the_61706_parameters_of_lenet_5(px):
    # 6 kernels of 25 and 16 of 6 x 25, then 400-120-84-10, each with its biases
    counts = (6 * 25 + 6, 16 * 150 + 16, 400 * 120 + 120, 120 * 84 + 84, 84 * 10 + 10)
    assert num_parameters(LENET, px, channels=1) == sum(counts) == 61_706


def test_lenet_for_colour_differs_in_its_first_kernels_alone():
    assert num_parameters(LENET, 32, channels=3) == 61_706 + 2 * 6 * 25


@pytest.mark.parametrize("px, first", [(28, 28), (32, 28)])
def test_lenet_sees_28_px_padded_to_32(px, first):
    model = LENET.build(InputShape(px=px, channels=1, num_classes=10))
    assert model[0](torch.zeros(1, 1, px, px)).shape == (1, 6, first, first)


@pytest.mark.parametrize(
    "px, channels, expected",
    [
        (28, 1, 28 * 28 * 6 * 25 + 10 * 10 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10),
        (32, 3, 28 * 28 * 6 * 75 + 10 * 10 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10),
    ],
)
def test_macs_of_lenet_by_hand(px, channels, expected):
    assert macs(LENET, InputShape(px=px, channels=channels, num_classes=10)) == expected


def test_resnet18_has_the_published_parameters_at_224_px():
    assert num_parameters(RESNET18, 224, channels=3, num_classes=1000) == 11_689_512


@pytest.mark.parametrize("px", [28, 32])
def test_resnet18_for_small_images_has_11173962_parameters(px):
    # a 7x7 stem of 9,408 gives way to a 3x3 of 1,728, a head of 513,000 to one of 5,130
    assert 11_689_512 - (9_408 - 1_728) - (513_000 - 5_130) == 11_173_962
    assert num_parameters(RESNET18, px, channels=3) == 11_173_962


@pytest.mark.parametrize("px", [28, 32])
def test_resnet18_for_small_images_keeps_their_size_up_to_the_first_block(px):
    model = RESNET18.build(InputShape(px=px, channels=3, num_classes=10))
    assert (model.conv1.kernel_size, model.conv1.stride, model.conv1.bias) == ((3, 3), (1, 1), None)
    assert not any(isinstance(module, nn.MaxPool2d) for module in model.modules())
    seen = []
    model.layer1.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].shape))
    model.eval()(torch.zeros(1, 3, px, px))
    assert seen == [(1, 64, px, px)]


def test_resnet18_for_large_images_shrinks_them_fourfold_first():
    model = RESNET18.build(InputShape(px=224, channels=3, num_classes=10))
    assert (model.conv1.kernel_size, model.conv1.stride) == ((7, 7), (2, 2))
    assert model.maxpool(model.conv1(torch.zeros(1, 3, 224, 224))).shape == (1, 64, 56, 56)
