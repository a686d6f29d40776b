"""The ViT of the speed runs, whose overlapping tokens come from the first layers of the speed runs' CNN."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vitcnn.architectures.layers.attention import attend
from vitcnn.architectures.layers.speedrun import convolution, norm
from vitcnn.architectures.layers.whitening import Whitening

STEM_CHANNELS = 64
DIM = 192
DEPTH = 4
NUM_HEADS = 6
MLP_RATIO = 2
POSITION_STD = 0.02


class SpeedrunVit(nn.Module):
    """For images of 28 or 32 px: 6x6 or 7x7 tokens, blocks, the mean of the tokens.

    (batch, channels, px, px) -> (batch, num_classes).
    """

    def __init__(self, px: int, channels: int, num_classes: int) -> None:
        super().__init__()
        self.stem = stem(channels)
        self.position = nn.Parameter(torch.empty(((px - 1) // 4) ** 2, DIM).normal_(std=POSITION_STD))
        self.blocks = nn.Sequential(*(Block() for _ in range(DEPTH)))
        self.norm = nn.LayerNorm(DIM)
        self.head = nn.Linear(DIM, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(images))

    def forward_features(self, images: Tensor) -> Tensor:
        """Return the tokens behind the last norm, (batch, tokens, DIM), as timm's models do."""
        tokens = self.stem(images).flatten(2).transpose(1, 2) + self.position
        return self.norm(self.blocks(tokens))

    def forward_head(self, tokens: Tensor) -> Tensor:
        """Return the logits of the mean of tokens, as timm's models do."""
        return self.head(tokens.mean(dim=1))


def stem(channels: int) -> nn.Module:
    """Return what makes an image (DIM, px / 4, px / 4): whitening and two convolutions, each with a max-pool."""
    whitening = Whitening(channels)
    first = [convolution(whitening.out_channels, STEM_CHANNELS), nn.MaxPool2d(2), norm(STEM_CHANNELS), nn.GELU()]
    return nn.Sequential(whitening, nn.GELU(), *first, convolution(STEM_CHANNELS, DIM), nn.MaxPool2d(2), norm(DIM))


class Block(nn.Module):
    """A pre-norm block without biases, (batch, tokens, DIM) -> the same."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_attention, self.norm_mlp = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.attention = Attention()
        hidden = MLP_RATIO * DIM
        self.mlp = nn.Sequential(nn.Linear(DIM, hidden, bias=False), nn.GELU(), nn.Linear(hidden, DIM, bias=False))

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attention(self.norm_attention(tokens))
        return tokens + self.mlp(self.norm_mlp(tokens))


class Attention(nn.Module):
    """Self-attention of `NUM_HEADS` heads, (batch, tokens, DIM) -> the same."""

    def __init__(self) -> None:
        super().__init__()
        self.num_heads = NUM_HEADS
        self.qkv = nn.Linear(DIM, 3 * DIM, bias=False)
        self.projection = nn.Linear(DIM, DIM, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        split = self.qkv(tokens).unflatten(2, (3, self.num_heads, -1))
        queries, keys, values = split.permute(2, 0, 3, 1, 4)  # each (batch, heads, tokens, dim of a head)
        return self.projection(attend(queries, keys, values).transpose(1, 2).flatten(2))
