import pytest
import torch
from torch import nn

from vitcnn.architectures import architecture
from vitcnn.errors import UserError
from vitcnn.images import Resize
from vitcnn.inference.tiling import Dense, FeatureMap, dense_model
from vitcnn.spec import InputShape

SHAPE = InputShape(px=64, channels=3, num_classes=5)
NAMES = ("resnet18", "efficientnet_b0", "convnext_tiny", "vit_micro", "vit_tiny", "swin_tiny", "vit_hybrid")


def built(name, px):
    torch.manual_seed(0)
    entry = architecture(name)
    return entry.build(InputShape(px=px, channels=3, num_classes=5)).eval().requires_grad_(False)


@pytest.mark.parametrize("name", NAMES)
def test_where_all_places_are_alike_the_head_says_there_what_it_says_of_the_image(name, monkeypatch):
    """The oracle: a feature map of one value has a mean that is any of its places, and so has a class token."""
    px = architecture(name).model_px(64)
    model = built(name, px)
    features = FeatureMap(model, InputShape(px=px, channels=3, num_classes=5))
    images = torch.rand(2, 3, px, px)
    found = features(images)
    place = found[:, :, 1, 0]
    logits = features.logits(found)[:, :, 1, 0]
    alike = model.forward_features(images)
    if alike.ndim == 3:
        alike = place[:, None].expand_as(alike)
    else:
        alike = place[:, None, None] if features.is_channels_last else place[:, :, None, None]
        alike = alike.expand(2, 3, 2, -1) if features.is_channels_last else alike.expand(2, -1, 3, 2)
    torch.testing.assert_close(logits, model.forward_head(alike), atol=1e-4, rtol=1e-4)


def test_places_of_a_vit_are_its_patches_row_by_row():
    model = built("vit_tiny", 64)
    images = torch.rand(1, 3, 64, 64)
    found = FeatureMap(model, SHAPE)(images)
    tokens = model.forward_features(images)
    assert found.shape == (1, 192, 4, 4)
    torch.testing.assert_close(found[0, :, 2, 1], tokens[0, 1 + 2 * 4 + 1])


def test_dense_answers_are_as_large_as_the_images_whatever_stands_in_front():
    model = nn.Sequential(Resize(32), built("vit_micro", 32))
    dense = dense_model(model, SHAPE)
    assert dense(torch.rand(2, 3, 64, 64)).shape == (2, 5, 64, 64)


def test_another_head_stands_for_the_classifier():
    features = FeatureMap(built("resnet18", 64), SHAPE)
    head = nn.Conv2d(512, 2, 1)
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        expected = nn.functional.interpolate(head(features(images)), size=(64, 64), mode="bilinear")
        torch.testing.assert_close(Dense(features, head)(images), expected)


def test_a_model_without_a_feature_map_is_refused_by_name():
    with pytest.raises(UserError, match=r"^dense output of: 'Sequential' cannot be used\. Allowed: classifiers of"):
        dense_model(built("lenet", 32), InputShape(px=32, channels=3, num_classes=5))
