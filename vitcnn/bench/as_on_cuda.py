"""Makes fake tensors on a CPU take memory as on CUDA, where torch chooses other kernels and casts other operators.

Fake tensors on CUDA itself would need a driver for their backward. What differs is therefore put in by hand: fused
attention, dropout's mask, and what autocast computes in fp32.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

aten = torch.ops.aten

IN_FP32 = frozenset(
    {
        "binary_cross_entropy_with_logits",
        "cosine_similarity",
        "cross_entropy",
        "cumsum",
        "exp",
        "group_norm",
        "layer_norm",
        "log",
        "log_softmax",
        "mse_loss",
        "nll_loss",
        "norm",
        "normalize",
        "pow",
        "prod",
        "reciprocal",
        "rsqrt",
        "softmax",
        "softplus",
        "sum",
    }
)
"""Functions that autocast computes in fp32 on CUDA. On a CPU it leaves several of them in bf16.
Source: torch's documentation, "CUDA Ops that can autocast to float32"."""

WIDEST_FLASH_HEAD = 256
"""Channels of a head that flash attention takes at most."""

MASK_ALIGNMENT = 8
"""A mask's rows are padded to a multiple of this for memory-efficient attention."""


class AsOnCuda(TorchFunctionMode):
    """Replaces, while it is entered, what torch would choose for a CPU by what it chooses on CUDA."""

    def __init__(self, *, fused_attention: bool = True) -> None:
        super().__init__()
        self.fused_attention = fused_attention

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        """Run one function of torch."""
        kwargs = kwargs or {}
        if func is F.scaled_dot_product_attention:
            return attention(*args, **kwargs) if self.fused_attention else unfused(*args, **kwargs)
        if func is F.dropout:
            return dropout(*args, **kwargs)
        if getattr(func, "__name__", "") in IN_FP32 and torch.is_autocast_enabled("cpu"):
            args, kwargs = tree_map_only(Tensor, in_fp32, (args, kwargs))
            with torch.autocast("cpu", enabled=False):
                return func(*args, **kwargs)
        return func(*args, **kwargs)


def enter_in_modules(mode: TorchFunctionMode, model: nn.Module) -> None:
    """Let every module of `model` enter `mode` where it is not: a backward, which runs checkpoints again, leaves it."""
    for module in model.modules():
        module.forward = _entering(mode, module.forward)


def _entering(mode: TorchFunctionMode, forward: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        with mode if torch._C._len_torch_function_stack() == 0 else nullcontext():
            return forward(*args, **kwargs)

    return run


def in_fp32(tensor: Tensor) -> Tensor:
    """Return a tensor of half precision in fp32, any other as it is."""
    return tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor


def dropout(values: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Return `values` with a share `p` of them 0; CUDA keeps a mask of bytes, and a CPU one of the values' type."""
    if inplace or not training or not 0 < p < 1:
        return F.dropout(values, p, training, inplace)
    return aten.native_dropout(values, p, True)[0]


def unfused(*args: Any, **kwargs: Any) -> Tensor:
    """Return attention whose matrix of weights is held in memory."""
    with sdpa_kernel(SDPBackend.MATH):
        return F.scaled_dot_product_attention(*args, **kwargs)


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Return what torch's fused attention returns: flash in half precision without a mask, else memory-efficient."""
    if torch.is_autocast_enabled("cpu"):
        dtype = torch.get_autocast_dtype("cpu")
        query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
        attn_mask = attn_mask.to(dtype) if attn_mask is not None and attn_mask.is_floating_point() else attn_mask
    head = query.shape[-1]
    is_half = query.dtype in (torch.bfloat16, torch.float16)
    if enable_gqa or query.ndim != 4 or head % (8 if is_half else 4):
        return unfused(query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa)
    if is_half and attn_mask is None and head <= WIDEST_FLASH_HEAD:
        return aten._scaled_dot_product_flash_attention(query, key, value, dropout_p, is_causal, scale=scale)[0]
    mask = None if attn_mask is None else aligned(attn_mask, query, key)
    keeps = any(tensor.requires_grad for tensor in (query, key, value)) and torch.is_grad_enabled()
    found = aten._scaled_dot_product_efficient_attention(
        query, key, value, mask, keeps, dropout_p, is_causal, scale=scale
    )
    return found[0]


def aligned(mask: Tensor, query: Tensor, key: Tensor) -> Tensor:
    """Return a mask as floats for all heads, (batch, heads, queries, keys), its rows at aligned places."""
    if mask.dtype is torch.bool:
        mask = torch.zeros_like(mask, dtype=query.dtype).masked_fill_(mask.logical_not(), float("-inf"))
    count = mask.shape[-1]
    if count % MASK_ALIGNMENT:
        mask = F.pad(mask, (0, MASK_ALIGNMENT - count % MASK_ALIGNMENT))[..., :count]
    return mask.expand(*query.shape[:2], query.shape[2], key.shape[2])
