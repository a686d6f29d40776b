"""Models that say whether the digit of an anchor, the image at place 0, is among the images behind it.

(batch, 1 + length, channels, 28, 28) -> one logit, (batch, 1).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vitcnn.architectures.layers.attention import CrossAttention
from vitcnn.architectures.layers.places import Places
from vitcnn.architectures.layers.sequence_encoders import DIM, WithHead, greyed, head
from vitcnn.images import holds_image

NUM_HEADS = 4
NUM_CLASSES = 10
"""Latent ones: that there are ten digits is all that is known of them."""

SMALLEST = 1e-6
"""Of the probability of a match, so that its logarithm and its gradient are finite in fp32."""


class Matching(nn.Module):
    """Attention of the first of (batch, 1 + length, DIM) to the others -> (batch, DIM)."""

    def __init__(self, *, has_way_out: bool, starts_alike: bool) -> None:
        super().__init__()
        self.attention = CrossAttention(DIM, NUM_HEADS, has_way_out=has_way_out, starts_alike=starts_alike)

    def forward(self, padded: Tensor, bias: Tensor) -> Tensor:
        return self.attention(padded[:, :1], padded[:, 1:], bias[..., 1:])[:, 0]


class AnchorTransformer(WithHead):
    """Images encoded one by one, attention of the anchor to the others, a head on what it finds.

    With the padding masked and no way out, the anchor finds the same in a sequence of one image whichever image it is
    itself: the weights of attention add up to 1. What the published model has for a way out is its padding.
    """

    def __init__(self, encoder: nn.Module, *, has_way_out: bool = True, starts_alike: bool = True) -> None:
        super().__init__()
        self.encoder = encoder
        self.matching = Matching(has_way_out=has_way_out, starts_alike=starts_alike)
        self.head = head(DIM)

    def forward(self, sequences: Tensor) -> Tensor:
        places = Places(sequences)
        padded = places.put(self.encoder(places.take(sequences)))
        return self.head(self.matching(padded, places.bias(padded.dtype)))


class PublishedAnchorTransformer(AnchorTransformer):
    """Study E's: empty places are grey images like any other, which attention looks at."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__(encoder, has_way_out=False, starts_alike=False)

    def forward(self, sequences: Tensor) -> Tensor:
        return super().forward(greyed(sequences, ~holds_image(sequences)))


class AnchorMatching(WithHead):
    """The task's structure: a class for each image, and whether one is the anchor's. Answers alone say what it is."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(DIM, NUM_CLASSES)
        nn.init.normal_(self.head.weight, std=DIM**-0.5)  # from equal classes no gradient leads away

    def forward(self, sequences: Tensor) -> Tensor:
        places = Places(sequences)
        classes = places.put(self.head(self.encoder(places.take(sequences)))).float().log_softmax(dim=2)
        same = torch.logsumexp(classes[:, :1] + classes[:, 1:], dim=2).exp()
        return logit_of_any(same, places.filled[:, 1:])


def logit_of_any(probabilities: Tensor, counts: Tensor) -> Tensor:
    """Return the logit of 1 - the product of 1 - p over the places that count, (batch, length) -> (batch, 1).

    Where -t is the logarithm of that product, it is log(exp(t) - 1).
    """
    none = torch.log1p(-probabilities.clamp(SMALLEST, 1 - SMALLEST)).masked_fill(~counts, 0)
    t = -none.sum(dim=1, keepdim=True).clamp(max=-SMALLEST)
    return t + torch.log(-torch.expm1(-t))
