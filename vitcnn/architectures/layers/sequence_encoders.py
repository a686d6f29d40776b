"""What makes one vector of each image of a sequence, and the head behind what is made of these."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vitcnn.architectures.layers.attention import Block

PX = 28
DIM = 128
"""Of the vector of one image."""

HIDDEN = 64
"""Of the head."""

MAP_PX = 8
"""Of the last feature maps of the CNN."""

PATCH_PX = 7
NUM_PATCHES = (PX // PATCH_PX) ** 2
POSITION_STD = 0.5
"""Large enough to tell patches apart from the first step."""

VIT_DIM, VIT_DEPTH, VIT_HIDDEN, VIT_HEADS = 64, 3, 192, 4


def published_encoder(channels: int) -> nn.Sequential:
    """Return study E's encoder: images (rows, channels, 28, 28) -> (rows, DIM), initialised as torch does."""
    convolutions = (nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU())
    return nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(16 * MAP_PX**2, DIM))


def cnn_encoder(channels: int) -> nn.Sequential:
    """Return the same, initialised so that the vectors of two images differ from the first step.

    With torch's weights they hardly do, and what compares images learns nothing for thousands of sequences. Here they
    are Kaiming's, and the last layer's sum to zero over each feature map, which takes off what all images share.
    """
    encoder = published_encoder(channels)
    for layer in encoder:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            assert layer.bias is not None
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    last = encoder[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        maps = last.weight.unflatten(1, (-1, MAP_PX**2))
        last.weight.copy_((maps - maps.mean(dim=2, keepdim=True)).flatten(1))
    return encoder


class PatchTokens(nn.Module):
    """Tokens of images: (rows, channels, 28, 28) -> (rows, NUM_PATCHES, dim), positions in the image added."""

    def __init__(self, channels: int, dim: int = DIM) -> None:
        super().__init__()
        self.dim = dim
        self.patch_embed = nn.Conv2d(channels, dim, PATCH_PX, stride=PATCH_PX)
        self.position = nn.Parameter(torch.empty(NUM_PATCHES, dim).normal_(std=POSITION_STD))

    def forward(self, images: Tensor) -> Tensor:
        return self.patch_embed(images).flatten(2).transpose(1, 2) + self.position


def small_patch_tokens(channels: int) -> PatchTokens:
    """Return tokens of the small ViT's dimension."""
    return PatchTokens(channels, VIT_DIM)


class VitEncoder(nn.Module):
    """A small ViT, its patches' mean made one vector: images (rows, channels, 28, 28) -> (rows, DIM)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.tokens = small_patch_tokens(channels)
        self.blocks = nn.Sequential(*(Block(VIT_DIM, VIT_HIDDEN, VIT_HEADS) for _ in range(VIT_DEPTH)))
        self.norm = nn.LayerNorm(VIT_DIM)
        self.reduction = nn.Linear(VIT_DIM, DIM)

    def forward(self, images: Tensor) -> Tensor:
        return self.reduction(self.norm(self.blocks(self.tokens(images))).mean(dim=1))


def head(dim: int) -> nn.Sequential:
    """Return study E's head: (batch, dim) -> (batch, 1)."""
    return nn.Sequential(nn.Linear(dim, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))


def wide_head(dim: int) -> nn.Sequential:
    """Return study E's head behind embeddings side by side, (batch, dim) -> (batch, 1)."""
    return nn.Sequential(nn.Linear(dim, DIM), nn.ReLU(), *head(DIM))


class WithHead(nn.Module):
    """A model whose `head` gives its answer, so that its parameters are counted as such."""

    head: nn.Module

    def get_classifier(self) -> nn.Module:
        """Return the head, as timm's models do."""
        return self.head


def greyed(sequences: Tensor, is_empty: Tensor) -> Tensor:
    """Return sequences with mid-grey images at the places `is_empty`, (batch, length), as study E pads them."""
    return sequences.masked_fill(is_empty[:, :, None, None, None], 0.0)
