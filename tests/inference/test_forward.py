import pytest
import torch
from torch import nn
from torchvision.transforms.v2.functional import resize

from vitcnn.architectures import architecture
from vitcnn.images import Resize, normalize
from vitcnn.inference import for_inference, resized
from vitcnn.inference.forward import memory_format
from vitcnn.spec import InputShape


def test_normalize_maps_bytes_to_minus_one_to_one():
    images = torch.tensor([0, 51, 255], dtype=torch.uint8)
    torch.testing.assert_close(normalize(images), torch.tensor([-1.0, -0.6, 1.0]))
    assert images.tolist() == [0, 51, 255]
    assert normalize(images, torch.bfloat16).dtype == torch.bfloat16


def test_resize_is_bilinear_between_pixel_centres():
    row = torch.tensor([0.0, 1.0]).expand(1, 1, 2, 2)
    expected = torch.tensor([0.0, 0.25, 0.75, 1.0]).expand(1, 1, 4, 4)
    torch.testing.assert_close(Resize(4)(row), expected)


def test_shrinking_is_antialiased_as_torchvisions_own():
    images = torch.rand(2, 3, 224, 224)
    expected = resize(images, [32, 32], antialias=True)
    torch.testing.assert_close(Resize(32)(images), expected)
    in_bf16 = Resize(32)(images.bfloat16())
    assert in_bf16.dtype == torch.bfloat16
    torch.testing.assert_close(in_bf16.float(), expected, atol=2e-2, rtol=0)


def test_a_model_at_its_own_resolution_has_no_resize_in_front():
    model = resized(architecture("lenet"), InputShape(px=28, channels=1, num_classes=10))
    assert not any(isinstance(module, Resize) for module in model.modules())


@pytest.mark.parametrize(
    "name, layout",
    [
        ("lenet", torch.channels_last),
        ("vit_micro", torch.contiguous_format),
        ("timm/coatnet_0_rw_224", torch.channels_last),
    ],
)
def test_layout_is_channels_last_wherever_convolutions_do_the_work(name, layout):
    assert memory_format(architecture(name)) is layout


@pytest.fixture
def small_model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(144, 2))


def test_prepared_model_is_in_eval_mode_and_needs_no_gradients(cpu, small_model):
    model = for_inference(small_model, device=cpu, layout=torch.channels_last, precision="fp32", mode="eager")
    assert not any(module.training for module in model.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())
    images = torch.rand(2, 3, 8, 8)
    assert torch.equal(model(images), model(images))


@pytest.mark.parametrize("precision, dtype", [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_prepared_model_is_cast_to_its_precision(cpu, small_model, precision, dtype):
    model = for_inference(small_model, device=cpu, layout=torch.channels_last, precision=precision, mode="eager")
    assert {parameter.dtype for parameter in model.parameters()} == {dtype}
    assert model(torch.rand(2, 3, 8, 8, dtype=dtype)).dtype == dtype


def test_prepared_model_has_its_kernels_in_the_layout_and_answers_the_same(cpu, small_model):
    images = torch.rand(2, 3, 8, 8)
    expected = small_model.eval()(images)
    model = for_inference(small_model, device=cpu, layout=torch.channels_last, precision="fp32", mode="eager")
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(model(images), expected)
