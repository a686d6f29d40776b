import pytest
import torch
from torch import nn

from vitcnn.architectures.cnn import LENET, RESNET18, SPEEDRUN_CNN
from vitcnn.metrics.arithmetic import macs
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


def test_the_speed_runs_cnn_starts_as_the_identity_of_its_inputs():
    model = SPEEDRUN_CNN.build(InputShape(px=32, channels=3, num_classes=10))
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3))
    images = torch.randn(2, 24, 9, 9)
    with torch.no_grad():
        torch.testing.assert_close(first(images)[:, :24], images)


@pytest.mark.parametrize("px, sides", [(28, [27, 13, 13, 6, 6, 3, 3]), (32, [31, 15, 15, 7, 7, 3, 3])])
def test_images_shrink_through_the_speed_runs_cnn_to_one_pixel(px, sides):
    model = SPEEDRUN_CNN.build(InputShape(px=px, channels=3, num_classes=10)).eval()
    seen = []
    for module in model.modules():
        if isinstance(module, nn.GELU):
            module.register_forward_hook(lambda _module, _inputs, output: seen.append(output.shape[-1]))
    model(torch.zeros(1, 3, px, px))
    assert seen == sides


def test_the_speed_runs_cnn_trains_all_but_the_whitening_and_the_scales_of_its_norms():
    model = SPEEDRUN_CNN.build(InputShape(px=32, channels=3, num_classes=10))
    frozen = {parameter.numel() for parameter in model.parameters() if not parameter.requires_grad}
    assert frozen == {24 * 12, 64, 256}
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    assert trained == 1_970_488 - 24 * 12 + 2 * (64 + 256 + 256)  # filters, head and whitening; norms' biases


def test_logits_of_the_speed_runs_cnn_are_small_at_first():
    torch.manual_seed(0)
    model = SPEEDRUN_CNN.build(InputShape(px=32, channels=3, num_classes=10))
    weight = model[-1].weight
    with torch.no_grad():
        ratio = model[-1](torch.eye(256)).T / weight
    torch.testing.assert_close(ratio, torch.full_like(ratio, 1 / 72))
    assert (weight.std() / 72).item() == pytest.approx(1 / 256, rel=0.1)
