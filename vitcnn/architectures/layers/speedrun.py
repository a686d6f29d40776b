"""The CNN of the CIFAR-10 speed runs, and what their ViT shares with it."""

from __future__ import annotations

from torch import Tensor, nn

from vitcnn.architectures.layers.whitening import Whitening

WIDTHS = (64, 256, 256)
"""Channels of the three groups."""

NORM_MOMENTUM = 0.4
NORM_EPS = 1e-12

HEAD_SCALE = 1 / 72
HEAD_STD = 72 / 256
"""The source scales the logits by 1/256, draws weights of deviation 1 and gives them 12.6 times the biases' rate.

The same training, step for step, at the biases' rate: scale the logits by sqrt(12.6) / 256, the weights by the inverse.
"""


class ScaledHead(nn.Linear):
    """Logits without bias, small at first, whose weight trains at the rate of the biases: (batch, features)."""

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight, std=HEAD_STD)

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features) * HEAD_SCALE


def norm(channels: int) -> nn.BatchNorm2d:
    """BatchNorm whose scale stays 1."""
    layer = nn.BatchNorm2d(channels, eps=NORM_EPS, momentum=NORM_MOMENTUM)
    layer.weight.requires_grad_(False)
    return layer


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3x3 convolution, no bias, whose first outputs repeat its inputs at first."""
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight[:inputs])
    return layer


def group(inputs: int, outputs: int) -> list[nn.Module]:
    """Two convolutions, and a max-pool that halves the image after the first."""
    first = [convolution(inputs, outputs), nn.MaxPool2d(2), norm(outputs), nn.GELU()]
    return [*first, convolution(outputs, outputs), norm(outputs), nn.GELU()]


def speedrun_cnn(channels: int, num_classes: int) -> nn.Module:
    """The CNN for images of 28 or 32 px: 27 or 31 px after the whitening, then 13 or 15, 6 or 7, 3, 1."""
    whitening = Whitening(channels)
    inputs = (whitening.out_channels, *WIDTHS[:-1])
    groups = [layer for width, output in zip(inputs, WIDTHS, strict=True) for layer in group(width, output)]
    head = ScaledHead(WIDTHS[-1], num_classes, bias=False)
    return nn.Sequential(whitening, nn.GELU(), *groups, nn.MaxPool2d(3), nn.Flatten(), head)
