"""Convolutional networks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vitcnn.architectures.any_timm import (
    IMAGENET,
    LARGEST_SMALL_PX,
    TIMM_RESULTS,
    TORCHVISION,
    timm_model,
)
from vitcnn.input_sizes import Takes
from vitcnn.spec import Architecture, InputShape, Published

if TYPE_CHECKING:
    from torch import nn


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


def build_study_e_cnn(shape: InputShape) -> nn.Module:
    """Build two convolutions, each with ReLU and max-pooling, and a linear layer, for images of 28 px."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(shape.channels, 6, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, shape.num_classes),
    )


def build_resnet18(shape: InputShape, **options: Any) -> nn.Module:
    """Timm's ResNet-18; for small images with a 3x3 stem and without its max-pool, as is usual for CIFAR."""
    from torch import nn

    model = timm_model("resnet18", shape, **options)
    if shape.px <= LARGEST_SMALL_PX:
        stem = nn.Conv2d(shape.channels, 64, kernel_size=3, stride=1, padding=1, bias=False)
        nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
        model.conv1, model.maxpool = stem, nn.Identity()
    return model


def build_speedrun_cnn(shape: InputShape) -> nn.Module:
    """Build the CNN of the CIFAR-10 speed runs."""
    from vitcnn.architectures.layers.speedrun import speedrun_cnn

    return speedrun_cnn(shape.channels, shape.num_classes)


LENET = Architecture(
    name="lenet",
    family="cnn",
    takes=Takes(step_px=4, at_least_px=28, at_most_px=32),
    builder=build_lenet,
    published=Published(
        shape=InputShape(px=28, channels=1, num_classes=10),
        parameters=156 + 2_416 + 48_120 + 10_164 + 850,
        macs=28 * 28 * 150 + 10 * 10 * 2_400 + 48_000 + 10_080 + 840,
        source="counted by hand",
    ),
    source="LeCun et al., Gradient-based learning applied to document recognition, 1998 (study A's light CNN)",
)

STUDY_E_CNN = Architecture(
    name="study_e_cnn",
    family="cnn",
    takes=Takes(at_least_px=28, at_most_px=28),
    builder=build_study_e_cnn,
    published=Published(
        shape=InputShape(px=28, channels=1, num_classes=10),
        parameters=5_142,
        macs=24 * 24 * 150 + 8 * 8 * 2_400 + 2_560,
        source="parameters as the source's code builds them, MACs counted by hand",
    ),
    source="study E: github.com/kobybibas/vit_for_mnist, 2025",
)

RESNET18 = Architecture(
    name="resnet18",
    family="cnn",
    takes=Takes(at_least_px=28),
    builder=build_resnet18,
    published=Published(
        shape=IMAGENET,
        parameters=11_689_512,
        macs=1_814_000_000,
        source=f"{TORCHVISION} ResNet18_Weights.IMAGENET1K_V1",
    ),
    source="He et al., Deep residual learning for image recognition, arXiv 1512.03385",
    hub="resnet18.a1_in1k",
)

RESNET50 = Architecture(
    name="resnet50",
    family="cnn",
    takes=Takes(at_least_px=224),
    builder=partial(timm_model, "resnet50"),
    published=Published(
        shape=IMAGENET,
        parameters=25_557_032,
        macs=4_089_000_000,
        source=f"{TORCHVISION} ResNet50_Weights.IMAGENET1K_V1",
    ),
    source="He et al., arXiv 1512.03385 (study B's frozen CNN)",
    hub="resnet50.a1_in1k",
)

RESNET152 = Architecture(
    name="resnet152",
    family="cnn",
    takes=Takes(at_least_px=224),
    builder=partial(timm_model, "resnet152"),
    published=Published(
        shape=IMAGENET,
        parameters=60_192_808,
        macs=11_514_000_000,
        source=f"{TORCHVISION} ResNet152_Weights.IMAGENET1K_V1",
    ),
    source="He et al., arXiv 1512.03385 (study D's CNN)",
    hub="resnet152.a1_in1k",
)

EFFICIENTNET_B0 = Architecture(
    name="efficientnet_b0",
    family="cnn",
    takes=Takes(at_least_px=224),
    builder=partial(timm_model, "efficientnet_b0"),
    published=Published(
        shape=IMAGENET,
        parameters=5_288_548,
        macs=386_000_000,
        source=f"{TORCHVISION} EfficientNet_B0_Weights.IMAGENET1K_V1",
    ),
    source="Tan, Le, EfficientNet, arXiv 1905.11946 (study B's frozen CNN)",
    hub="efficientnet_b0.ra_in1k",
)

CONVNEXT_TINY = Architecture(
    name="convnext_tiny",
    family="cnn",
    takes=Takes(step_px=32, at_least_px=224),
    builder=partial(timm_model, "convnext_tiny"),
    published=Published(
        shape=IMAGENET,
        parameters=28_589_128,
        macs=4_456_000_000,
        source=f"{TORCHVISION} ConvNeXt_Tiny_Weights.IMAGENET1K_V1",
    ),
    source="Liu et al., A ConvNet for the 2020s, arXiv 2201.03545 (study D's word for it: a hybrid)",
    hub="convnext_tiny.fb_in1k",
)

HRNET_W18 = Architecture(
    name="hrnet_w18",
    family="cnn",
    takes=Takes(step_px=32, at_least_px=224),
    builder=partial(timm_model, "hrnet_w18"),
    published=Published(
        shape=IMAGENET,
        parameters=21_299_004,
        macs=4_320_000_000,
        source=f"{TIMM_RESULTS}: 21.3 M, 4.32 GMACs; parameters to the unit as timm builds it",
    ),
    source="Wang et al., Deep high-resolution representation learning, arXiv 1908.07919",
    hub="hrnet_w18.ms_aug_in1k",
)

SPEEDRUN_CNN = Architecture(
    name="speedrun_cnn",
    family="cnn",
    takes=Takes(step_px=4, at_least_px=28, at_most_px=32),
    builder=build_speedrun_cnn,
    published=Published(
        shape=InputShape(px=32, channels=3, num_classes=10),
        parameters=24 * 12 + 24 + 9 * (24 * 64 + 64 * 64 + 64 * 256 + 3 * 256 * 256) + 2 * 2 * (64 + 256 + 256) + 2560,
        macs=31 * 31 * (12 * 24 + 9 * 24 * 64)
        + 15 * 15 * 9 * (64 * 64 + 64 * 256)
        + 7 * 7 * 9 * 2 * 256 * 256
        + 3 * 3 * 9 * 256 * 256
        + 2560,
        source="counted by hand",
    ),
    source="Jordan, 94 % on CIFAR-10 in 3.29 seconds, arXiv 2404.00498, as airbench94_muon, 2024, has it",
)
