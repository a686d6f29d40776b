"""The optimiser Muon: it orthogonalises the momentum of each matrix before each step.

Source: Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024. torch.optim.Muon is the oracle of
our tests and not what we use: it refuses filters, keeps no norms, and takes matrices one at a time, where a GPU waits
for launches. Here all matrices of one shape are made orthogonal together.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from math import sqrt
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the odd quintic that is iterated: chosen by Jordan for its slope at 0, not to converge to 1 exactly."""

EPS = 1e-7

MUCH_LONGER = 4
"""How many times as long as wide a matrix is for which iterating on its Gram matrix takes fewer operations, and by far:
a third for 128 x 2048. In bf16 the Gram matrix would lose the small singular values, so it is done in fp32 alone."""


class OrthogonalMomentum(Optimizer):
    """Steps each weight, (outputs, ...), along its orthogonalised momentum.

    A step has singular values near 1; without `keep_norm` it is scaled by sqrt(max(1, outputs / inputs)), so that wide
    and tall matrices change their outputs alike. `keep_norm` scales each weight to the norm sqrt(outputs) before it.
    """

    def __init__(
        self,
        weights: Iterable[Tensor],
        *,
        lr: float,
        momentum: float,
        nesterov: bool,
        num_steps: int,
        keep_norm: bool,
        weight_decay: float,
    ) -> None:
        settings = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "num_steps": num_steps}
        super().__init__(weights, {**settings, "keep_norm": keep_norm, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Step once."""
        assert closure is None, "a closure has nothing to say here"
        for group in self.param_groups:
            weights = sorted((w for w in group["params"] if w.grad is not None), key=matrix_shape)
            for _, alike in groupby(weights, key=matrix_shape):
                self._step(list(alike), group)

    def _step(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        """Step weights that are matrices of one shape."""
        (rows, columns), rate = matrix_shape(weights[0]), group["lr"]
        updates = orthogonal(self._momenta(weights, group), group["num_steps"])
        if group["keep_norm"]:
            torch._foreach_div_(weights, torch._foreach_div(torch._foreach_norm(weights), sqrt(rows)))
        else:
            rate = rate * sqrt(max(1, rows / columns))
        if group["weight_decay"]:
            torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
        shaped = [update.view(weight.shape) for update, weight in zip(updates, weights, strict=True)]
        torch._foreach_add_(weights, shaped, alpha=-rate)

    def _momenta(self, weights: list[Tensor], group: dict[str, Any]) -> Tensor:
        """Add the gradients to the momenta, and return what to step along: (weights, rows, columns)."""
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        buffers = [self._buffer(weight) for weight in weights]
        torch._foreach_mul_(buffers, group["momentum"])
        torch._foreach_add_(buffers, gradients)
        along = torch._foreach_add(gradients, buffers, alpha=group["momentum"]) if group["nesterov"] else buffers
        return torch.stack([each.flatten(1) for each in along])

    def _buffer(self, weight: Tensor) -> Tensor:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        return state["momentum"]


def matrix_shape(weight: Tensor) -> tuple[int, int]:
    """Return the rows, outputs, and columns, everything else, of a weight as a matrix."""
    return weight.shape[0], weight.shape[1:].numel()


def orthogonal(matrices: Tensor, num_steps: int) -> Tensor:
    """Return `matrices`, (count, rows, columns), with singular values near 1 and their singular vectors kept.

    Newton-Schulz iteration: in bf16 on CUDA, in fp32 on a CPU; it returns float32.
    """
    is_tall = matrices.shape[1] > matrices.shape[2]
    narrow = matrices.bfloat16() if matrices.is_cuda else matrices.float()
    wide = narrow.mT if is_tall else narrow
    wide = wide / wide.norm(dim=(1, 2), keepdim=True).clamp(min=EPS)
    is_long = wide.shape[2] >= MUCH_LONGER * wide.shape[1] and wide.dtype == torch.float32
    wide = iterated_on_gram(wide, num_steps) if is_long else iterated(wide, num_steps)
    return (wide.mT if is_tall else wide).float()


def iterated(wide: Tensor, num_steps: int) -> Tensor:
    """Return what the steps make of matrices, (count, rows, columns)."""
    first, third, fifth = COEFFICIENTS
    for _ in range(num_steps):
        gram = wide @ wide.mT
        wide = torch.baddbmm(wide, torch.baddbmm(gram, gram, gram, beta=third, alpha=fifth), wide, beta=first)
    return wide


def iterated_on_gram(wide: Tensor, num_steps: int) -> Tensor:
    """Return the same: each step multiplies by a polynomial of the Gram matrix, and these are multiplied first."""
    first, third, fifth = COEFFICIENTS
    gram = wide @ wide.mT
    identity = torch.eye(wide.shape[1], dtype=wide.dtype, device=wide.device)
    product: Tensor | None = None
    for _ in range(num_steps):
        step = torch.baddbmm(gram, gram, gram, beta=third, alpha=fifth) + first * identity
        gram = step @ gram @ step
        product = step if product is None else step @ product
    return wide if product is None else product @ wide
