"""Networks as published but for their channels, which change nothing of what a feature sees."""

from timm.models.convnext import ConvNeXt
from timm.models.efficientnet import _gen_efficientnet_lite
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from torch import nn

CHANNELS = (4, 4, 8, 8)


def thin_resnet18() -> nn.Module:
    return ResNet(BasicBlock, [2, 2, 2, 2], channels=CHANNELS, num_classes=3)


def thin_resnet50() -> nn.Module:
    return ResNet(Bottleneck, [3, 4, 6, 3], channels=CHANNELS, num_classes=3)


def thin_lite() -> nn.Module:
    """EfficientNet-Lite0, with TensorFlow's padding, which depends on the size."""
    options = {"channel_multiplier": 0.1, "pad_type": "same", "num_classes": 3}
    return _gen_efficientnet_lite("tf_efficientnet_lite0", pretrained=False, **options)


def thin_convnext(**options) -> nn.Module:
    """A ConvNeXt of one block a stage."""
    return ConvNeXt(depths=(1, 1, 1, 1), dims=CHANNELS, num_classes=3, **options)
