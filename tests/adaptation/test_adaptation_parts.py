"""A model in two: its last linear layer, and all before it."""

import pytest
import timm
import torch
from torch import nn

from vitcnn.adaptation.parts import backbone, classifier, name_of_core, require_linear_head
from vitcnn.architectures import architectures
from vitcnn.errors import UserError
from vitcnn.images import Rescale, Resize, core_of
from vitcnn.spec import InputShape

SMALL = InputShape(px=28, channels=1, num_classes=10)
IMAGES = torch.linspace(-1, 1, 2 * 28 * 28).view(2, 1, 28, 28)


@pytest.mark.parametrize("name", ["lenet", "vit_micro", "resnet18", "vit_tiny", "speedrun_cnn"])
def test_the_parts_are_the_whole(name):
    torch.manual_seed(0)
    model = architectures()[name].build(SMALL).eval()
    features = backbone(model)(IMAGES)
    head_name, head = classifier(model)
    assert core_of(model).get_submodule(head_name) is head
    assert features.shape == (2, head.in_features)
    require_linear_head(model, IMAGES)


@pytest.mark.parametrize(
    "name",
    ["convnext_atto", "swin_s3_tiny_224", "efficientnet_b0", "mobilenetv3_small_050", "vit_small_patch14_dinov2"],
)
def test_the_parts_of_timms_models_are_the_whole(name):
    torch.manual_seed(0)
    model = timm.create_model(name, num_classes=10, **({"img_size": 56} if "dinov2" in name else {}))
    require_linear_head(model, torch.randn(2, 3, *([56] * 2 if "dinov2" in name else [224] * 2)))


def test_what_is_shared_is_shared_and_the_model_keeps_its_head():
    model = architectures()["vit_micro"].build(SMALL).eval()
    before = model(IMAGES)
    part = backbone(model)
    assert part.patch_embed.proj.weight is model.patch_embed.proj.weight
    assert isinstance(part.head, nn.Identity)
    assert isinstance(model.head, nn.Linear)
    torch.testing.assert_close(model(IMAGES), before)


def test_what_stands_in_front_is_no_part_of_the_core_and_all_of_the_backbone():
    inner = architectures()["vit_micro"].build(SMALL).eval()
    model = nn.Sequential(Resize(28), nn.Sequential(Rescale([0.5], [0.25]), inner))
    assert core_of(model) is inner
    assert (name_of_core(model), name_of_core(inner)) == ("1.1.", "")
    assert classifier(model)[0] == "head"
    small = torch.rand(2, 1, 14, 14)
    torch.testing.assert_close(inner.head(backbone(model)(small)), model(small))


def test_a_model_of_two_layers_is_its_own_core():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    assert core_of(model) is model


def test_layers_behind_the_classifier_are_refused():
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.LogSoftmax(dim=1))
    with pytest.raises(UserError, match=r"model: 'Sequential' cannot be used\. .* output of their last linear layer"):
        require_linear_head(model, IMAGES)


def test_a_model_without_a_linear_layer_is_refused():
    with pytest.raises(UserError, match="head: 'none' cannot be used"):
        classifier(nn.Sequential(nn.Conv2d(1, 10, 28), nn.Flatten()))
