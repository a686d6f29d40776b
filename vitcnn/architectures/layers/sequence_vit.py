"""ViTs over whole sequences: the tokens are all patches of all images.

Positions are those inside an image, so that the order of the images does not matter. Which patches are of one image is
told to attention by a learnt bias; without it no head could tell a digit's patches from those of its neighbours.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vitcnn.architectures.layers.attention import SelfAttention, mlp
from vitcnn.architectures.layers.places import Places
from vitcnn.architectures.layers.sequence_encoders import NUM_PATCHES, POSITION_STD, PatchTokens, WithHead, head
from vitcnn.architectures.layers.sums import sum_of_answers

NUM_HEADS = 4
SAME_IMAGE_BIAS = 4.0
"""At first, of every second head: it looks at its own image, the others at all."""


class SequenceBlock(nn.Module):
    """A pre-norm block with GELU over all patches of each sequence: (rows, NUM_PATCHES, dim) -> the same."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.norm_attention, self.norm_mlp = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, NUM_HEADS)
        self.mlp = mlp(dim, hidden, nn.GELU)
        self.position_bias = nn.Parameter(torch.tensor([SAME_IMAGE_BIAS, 0.0]).repeat(NUM_HEADS // 2))

    def forward(self, tokens: Tensor, places: Places) -> Tensor:
        qkv = places.put(self.attention.qkv(self.norm_attention(tokens)))  # (batch, length, patches, 3 * dim)
        mixed = self.attention.mixed(qkv.flatten(1, 2), self.bias(places, qkv.dtype))
        tokens = tokens + self.attention.proj(places.take(mixed.unflatten(1, qkv.shape[1:3])))
        return tokens + self.mlp(self.norm_mlp(tokens))

    def bias(self, places: Places, dtype: torch.dtype) -> Tensor:
        """Return what is added to the scores, (batch, heads, tokens, tokens)."""
        image = torch.arange(places.filled.shape[1], device=places.filled.device).repeat_interleave(NUM_PATCHES)
        of_same = (image[:, None] == image).to(dtype) * self.position_bias.to(dtype)[:, None, None]
        return of_same + places.bias(dtype).repeat_interleave(NUM_PATCHES, dim=3)


class SequenceVit(WithHead):
    """What both models share: the tokens, the blocks, the norm."""

    def __init__(self, tokens: PatchTokens, *, hidden: int, depth: int) -> None:
        super().__init__()
        self.tokens = tokens
        self.blocks = nn.ModuleList(SequenceBlock(tokens.dim, hidden) for _ in range(depth))
        self.norm = nn.LayerNorm(tokens.dim)
        self.head = head(tokens.dim)

    def images(self, tokens: Tensor, places: Places) -> Tensor:
        """Return the mean of each image's tokens behind the blocks, (rows, dim)."""
        for block in self.blocks:
            tokens = block(tokens, places)
        return self.norm(tokens).mean(dim=1)


class SumPatchVit(SequenceVit):
    """The sum of a sequence's digits, (batch, length, channels, 28, 28) -> (batch, 1), in digits."""

    def forward(self, sequences: Tensor) -> Tensor:
        places = Places(sequences)
        images = self.images(self.tokens(places.take(sequences)), places)
        return sum_of_answers(self.head(images), places)


class AnchorPatchVit(SequenceVit):
    """Whether the first image's digit is among the others, (batch, length, channels, 28, 28) -> (batch, 1), a logit.

    The anchor's tokens are marked, and the answer is read from them.
    """

    def __init__(self, tokens: PatchTokens, *, hidden: int, depth: int) -> None:
        super().__init__(tokens, hidden=hidden, depth=depth)
        self.anchor_token = nn.Parameter(torch.empty(tokens.dim).normal_(std=POSITION_STD))

    def forward(self, sequences: Tensor) -> Tensor:
        places = Places(sequences)
        is_anchor = torch.zeros_like(places.filled)
        is_anchor[:, 0] = True
        marks = places.take(is_anchor).to(self.anchor_token.dtype)[:, None, None] * self.anchor_token
        images = self.images(self.tokens(places.take(sequences)) + marks, places)
        return self.head(places.put(images)[:, 0])
