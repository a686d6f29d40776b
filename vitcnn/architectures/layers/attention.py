"""Attention with a bias on its scores, and the blocks around it that models of sequences are made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ALIKE_SCALE = 3.0
"""Of queries and keys that start alike: where they do not, the anchor's attention may stay at chance for long."""


def attend(queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return softmax(q k^T / sqrt(d) + bias) v, all (batch, heads, tokens, d): fused on CUDA, written out on a CPU.

    There the backward of torch's fused one takes 4 to 6 times as long in bf16, at few tokens, and as long in fp32.
    """
    if queries.is_cuda:
        return F.scaled_dot_product_attention(queries, keys, values, None if bias is None else bias.to(queries.dtype))
    scores = queries * queries.shape[-1] ** -0.5 @ keys.mT
    return (scores if bias is None else scores + bias).softmax(dim=-1).to(values.dtype) @ values


def in_heads(tokens: Tensor, num_heads: int, parts: int = 1) -> tuple[Tensor, ...]:
    """Split (batch, tokens, parts * dim) into `parts` of (batch, heads, tokens, dim of a head)."""
    return tokens.unflatten(2, (parts, num_heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)


class SelfAttention(nn.Module):
    """Attention among tokens, in two steps: what lies between them may bring tokens into rows of their own.

    Every matrix has a bias.
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        start_as_torch(self.qkv, self.proj)

    def mixed(self, qkv: Tensor, bias: Tensor | None = None) -> Tensor:
        """Attend among queries, keys and values side by side: (batch, tokens, 3 * dim) -> (batch, tokens, dim)."""
        queries, keys, values = in_heads(qkv, self.num_heads, 3)
        return attend(queries, keys, values, bias).transpose(1, 2).flatten(2)

    def forward(self, tokens: Tensor) -> Tensor:
        """Attend among the tokens of each row, (batch, tokens, dim) -> the same."""
        return self.proj(self.mixed(self.qkv(tokens)))


class CrossAttention(nn.Module):
    """Attention of queries (batch, queries, dim) to tokens (batch, tokens, dim) -> (batch, queries, dim).

    With `has_way_out` there is one more key and value, both zero, so that a query that nothing fits need not choose.
    With `starts_alike` keys are made as queries are at first, so that what is alike fits.
    """

    def __init__(self, dim: int, num_heads: int, *, has_way_out: bool = False, starts_alike: bool = False) -> None:
        super().__init__()
        self.num_heads, self.has_way_out = num_heads, has_way_out
        self.q, self.kv = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim)
        self.proj = nn.Linear(dim, dim)
        start_as_torch(self.q, self.kv, self.proj)
        if starts_alike:
            with torch.no_grad():
                self.q.weight.mul_(ALIKE_SCALE)
                self.kv.weight[:dim].copy_(self.q.weight)

    def forward(self, queries: Tensor, tokens: Tensor, bias: Tensor) -> Tensor:
        """Attend; `bias`, (batch, 1, 1, tokens), is added to the scores."""
        (asked,) = in_heads(self.q(queries), self.num_heads)
        pairs = self.kv(tokens)
        if self.has_way_out:
            pairs, bias = F.pad(pairs, (0, 0, 0, 1)), F.pad(bias, (0, 1))
        keys, values = in_heads(pairs, self.num_heads, 2)
        return self.proj(attend(asked, keys, values, bias).transpose(1, 2).flatten(2))


def start_as_torch(*layers: nn.Linear) -> None:
    """Initialise what makes q, k and v, and the projection, the last one, as torch.nn.MultiheadAttention does."""
    *inputs, projection = layers
    bound = (6 / (4 * projection.in_features)) ** 0.5  # Xavier's, of one matrix for q, k and v
    for layer in inputs:
        nn.init.uniform_(layer.weight, -bound, bound)
    for layer in layers:
        nn.init.zeros_(layer.bias)


def mlp(dim: int, hidden: int, activation: type[nn.Module]) -> nn.Sequential:
    """Return the two layers of a block."""
    return nn.Sequential(nn.Linear(dim, hidden), activation(), nn.Linear(hidden, dim))


class Block(nn.Module):
    """A pre-norm block with GELU, (batch, tokens, dim) -> the same."""

    def __init__(self, dim: int, hidden: int, num_heads: int) -> None:
        super().__init__()
        self.norm_attention, self.norm_mlp = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, num_heads)
        self.mlp = mlp(dim, hidden, nn.GELU)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attention(self.norm_attention(tokens))
        return tokens + self.mlp(self.norm_mlp(tokens))
