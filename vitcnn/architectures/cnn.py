"""Convolutional networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitcnn.architectures.any_timm import timm_model
from vitcnn.spec import Architecture, InputShape, Published

if TYPE_CHECKING:
    from torch import nn

TIMM_RESULTS = "timm, results/benchmark-infer-amp-nchw-pt240-cu124-rtx3090.csv"

LARGEST_SMALL_PX = 32
"""Up to here images are small: a stem that shrinks them fourfold would leave nothing to see."""


def build_lenet(shape: InputShape) -> nn.Module:
    """LeNet-5 with ReLU and max-pooling; 28 px images are padded to 32, as in the original."""
    from torch import nn

    padding = (32 - shape.px) // 2
    return nn.Sequential(
        nn.Conv2d(shape.channels, 6, 5, padding=padding),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, shape.num_classes),
    )


def build_resnet18(shape: InputShape) -> nn.Module:
    """Timm's ResNet-18; for small images with a 3x3 stem and without its max-pool, as is usual for CIFAR."""
    from torch import nn

    model = timm_model("resnet18", shape)
    if shape.px <= LARGEST_SMALL_PX:
        stem = nn.Conv2d(shape.channels, 64, kernel_size=3, stride=1, padding=1, bias=False)
        nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
        model.conv1, model.maxpool = stem, nn.Identity()
    return model


LENET = Architecture(
    name="lenet",
    family="cnn",
    resolutions={28: 28, 32: 32},
    builder=build_lenet,
    published=Published(
        shape=InputShape(px=28, channels=1, num_classes=10),
        parameters=156 + 2_416 + 48_120 + 10_164 + 850,
        macs=28 * 28 * 150 + 10 * 10 * 2_400 + 48_000 + 10_080 + 840,
        source="counted by hand",
    ),
    source="LeCun et al., Gradient-based learning applied to document recognition, 1998 (study A's light CNN)",
)

RESNET18 = Architecture(
    name="resnet18",
    family="cnn",
    resolutions={28: 28, 32: 32, 224: 224, 512: 512},
    builder=build_resnet18,
    published=Published(
        shape=InputShape(px=224, channels=3, num_classes=1000),
        parameters=11_689_512,
        macs=1_820_000_000,
        source=f"parameters: torchvision, ResNet18_Weights; MACs: {TIMM_RESULTS}",
    ),
    source="He et al., Deep residual learning for image recognition, arXiv 1512.03385",
)
