"""Models that sum the digits of a sequence of images: (batch, length, channels, 28, 28) -> (batch, 1), in digits.

Attention with its padding masked, and a mean over the images, cannot count: the same image twice gives what it gives
once. A sum over the images can: of the head's answers for each, or of their vectors before the head. That of vectors is
divided by the longest length for training, so that its scale is a mean's.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitcnn.architectures.layers.attention import CrossAttention, SelfAttention, mlp
from vitcnn.architectures.layers.fully_connected import FullyConnected
from vitcnn.architectures.layers.places import Places
from vitcnn.architectures.layers.sequence_encoders import DIM, WithHead, greyed, head
from vitcnn.images import holds_image

LONGEST = 10
LARGEST_DIGIT = 9
NUM_DIGITS = 10
LARGEST_SUM = LARGEST_DIGIT * LONGEST
NUM_HEADS = 4
HIDDEN = 2048


def as_sum(answers: Tensor) -> Tensor:
    """Return a head's answers in digits, in fp32; 0 is the middle of all sums of ten."""
    return (answers.float() + 0.5) * LARGEST_SUM


def in_digits(answers: Tensor) -> Tensor:
    """Return a head's answers for each image in digits, in fp32; 0 is the middle of all digits."""
    return (answers.float() + 0.5) * LARGEST_DIGIT


def sum_of_answers(answers: Tensor, places: Places) -> Tensor:
    """Return the sum of a head's answers for each image, (rows, 1) -> (batch, 1), in digits, in fp32."""
    return places.sum(in_digits(answers))


class PostNormLayer(nn.Module):
    """Study E's encoder layer, as torch's nn.TransformerEncoderLayer: rows of images (rows, DIM) -> the same."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = SelfAttention(DIM, NUM_HEADS)
        self.mlp = mlp(DIM, HIDDEN, nn.ReLU)
        self.norm_attention, self.norm_mlp = nn.LayerNorm(DIM), nn.LayerNorm(DIM)

    def forward(self, rows: Tensor, places: Places) -> Tensor:
        qkv = places.put(self.attention.qkv(rows))
        mixed = places.take(self.attention.mixed(qkv, places.bias(qkv.dtype)))
        rows = self.norm_attention(rows + self.attention.proj(mixed))
        return self.norm_mlp(rows + self.mlp(rows))


class Transformer(WithHead):
    """Images encoded one by one, a Transformer layer among them, and a head."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.layer = PostNormLayer()
        self.head = head(DIM)

    def rows(self, sequences: Tensor, places: Places) -> Tensor:
        """Return a vector for each image, (rows, DIM), which knows of the others in its sequence."""
        return self.layer(self.encoder(places.take(sequences)), places)


class SumTransformer(Transformer):
    """The head answers for each image, and the answers are summed: it counts from the first step, to any length."""

    def forward(self, sequences: Tensor) -> Tensor:
        places = Places(sequences)
        return sum_of_answers(self.head(self.rows(sequences, places)), places)


class PooledSumTransformer(Transformer):
    """The images' vectors are summed or averaged, and the head answers for the sequence."""

    def __init__(self, encoder: nn.Module, *, pools_by_mean: bool = False) -> None:
        super().__init__(encoder)
        self.pools_by_mean = pools_by_mean

    def forward(self, sequences: Tensor) -> Tensor:
        places = Places(sequences)
        rows = self.rows(sequences, places)
        divisor = places.count(rows.dtype).clamp(min=1) if self.pools_by_mean else LONGEST
        return as_sum(self.head(places.sum(rows) / divisor))


class PublishedSumTransformer(PooledSumTransformer):
    """Study E's: empty places are grey images like any other, which attention looks at and the mean counts."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__(encoder, pools_by_mean=True)

    def forward(self, sequences: Tensor) -> Tensor:
        return super().forward(greyed(sequences, ~holds_image(sequences)))


class SumFullyConnected(FullyConnected):
    """Study E's fully connected model of sums, in digits."""

    def forward(self, sequences: Tensor) -> Tensor:
        return as_sum(super().forward(sequences))


class AttentionPool(nn.Module):
    """A learnt query's view of the images of each sequence, (rows, DIM) -> (batch, DIM)."""

    def __init__(self) -> None:
        super().__init__()
        self.query_token = nn.Parameter(torch.randn(DIM))
        self.attention = CrossAttention(DIM, NUM_HEADS)

    def forward(self, rows: Tensor, places: Places) -> Tensor:
        padded = places.put(rows)
        queries = self.query_token.repeat(len(padded), 1, 1)
        return self.attention(queries, padded, places.bias(padded.dtype))[:, 0]


class SumAttention(WithHead):
    """Images encoded one by one and pooled by attention, a mean; times their number; a head."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.pool = AttentionPool()
        self.head = head(DIM)

    def forward(self, sequences: Tensor) -> Tensor:
        places = Places(sequences)
        pooled = self.pool(self.encoder(places.take(sequences)), places)
        return as_sum(self.head(pooled * (places.count(pooled.dtype) / LONGEST)))


class SumOfNumbers(WithHead):
    """A number is read in each image, and they are summed: sum_transformer without attention.

    It answers with the nearest digits: ten numbers that are each right to a tenth make a sum that is wrong.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Sequential(nn.ReLU(), *head(DIM))

    def forward(self, sequences: Tensor) -> Tensor:
        places = Places(sequences)
        digits = in_digits(self.head(self.encoder(places.take(sequences))))
        return places.sum(digits if self.training else digits.round().clamp(0, LARGEST_DIGIT))


class SumOfDigits(WithHead):
    """The structure of the task: each image is of a digit, and they are summed. Only sums say what a digit is.

    In training it returns the logarithm of the probability of each sum, (batch, sums): so a sum says of each image what
    it may be, given what the others are. Asked, it answers with the sum of the likeliest digits.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(DIM, NUM_DIGITS)

    def forward(self, sequences: Tensor) -> Tensor:
        places = Places(sequences)
        logits = self.head(self.encoder(places.take(sequences))).float()
        if not self.training:
            return places.sum(logits.argmax(dim=1, keepdim=True).float())
        is_empty = (~places.filled).to(logits.dtype)
        shares = places.put(logits.softmax(dim=1))
        return log_probabilities(shares + F.pad(is_empty[:, :, None], (0, LARGEST_DIGIT)))  # an empty place adds 0


def log_probabilities(shares: Tensor) -> Tensor:
    """Return the logarithm of the probability of each sum, 0 to 9 length, (batch, 9 length + 1).

    `shares`, (batch, length, 10), are the probabilities of each digit, independent of each other.
    """
    of_sums = shares[:, 0]
    for place in range(1, shares.shape[1]):
        windows = F.pad(of_sums, (LARGEST_DIGIT, LARGEST_DIGIT)).unfold(1, NUM_DIGITS, 1)
        of_sums = (windows @ shares[:, place].flip(1)[:, :, None])[:, :, 0]
    return of_sums.clamp(min=torch.finfo(of_sums.dtype).tiny).log()
