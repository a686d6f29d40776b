"""Tells of which family an operator or a kernel is, by its name."""

from __future__ import annotations

import re
from functools import cache

CONVOLUTION, PRODUCT, ATTENTION, NORM = "convolution", "matrix product", "attention", "norm"
ELEMENTWISE, COPY, FUSED, OTHER, IDLE = "element-wise", "copy", "fused by the compiler", "other", "idle"
FAMILIES = (CONVOLUTION, PRODUCT, ATTENTION, NORM, ELEMENTWISE, COPY, FUSED, OTHER, IDLE)

UNARY = (
    "relu|gelu|silu|sigmoid|tanh|hardswish|hardsigmoid|hardtanh|leakyrelu|elu|mish|threshold|exp|log|sqrt|rsqrt|abs|neg"
)
BINARY = "add|sub|rsub|mul|div|pow|lerp|addcmul|addcdiv|maximum|minimum|where|clamp(min|max)?|eq|ne|lt|gt|le|ge"

PATTERNS = (
    (ATTENTION, r"scaleddotproduct|flashattention|efficientattention|fmha|flashfwd|flashbwd"),
    (CONVOLUTION, r"conv(?!ert)|fprop|dgrad|wgrad|im2col|winograd"),
    (NORM, r"(batch|layer|group|instance|rms)norm|bnfw|bnbw|^cudnnbn"),
    (
        PRODUCT,
        r"(?<!bi)(?<!tri)linear|gemm|gemv|cublas|cutlass|nvjet|^t?(addmm|mm|bmm|baddbmm|addbmm|matmul|einsum|mv|addmv|dot)$",
    ),
    (
        ELEMENTWISE,
        rf"elementwise|^foreach|fused(adam|adamw|sgd|adagrad)|^tritonpoi|softmax|dropout|bernoulli|^({UNARY}|{BINARY})$",
    ),
    (COPY, r"copy|clone|contiguous|memcpy|memset|^to$|^cat$|catarray|^stack$|^zero$|^fill$|^roll$|pad(nd)?$"),
    (FUSED, r"torchcompiledregion|compiledfxgraph|^compiledfunction|^cppfused|^triton"),
)
"""The first that is found in a squeezed name tells the family."""


@cache
def family_of(name: str) -> str:
    """Return the family of an operator or a kernel; empty where its name does not tell."""
    squeezed = squeeze(name)
    return next((family for family, pattern in PATTERNS if re.search(pattern, squeezed)), "")


def squeeze(name: str) -> str:
    """Return the bare name: `aten::add_` is `add`, `autograd::engine::evaluate_function: AddmmBackward0` is `addmm`.

    Of a kernel's signature the arguments are dropped, and its templates are kept: they tell what it computes.
    """
    bare = re.sub(r"\([^()]*\)$", "", name)
    if "<" not in bare:
        bare = re.split(r"::|: (?=[a-zA-Z_])", bare)[-1]
    return re.sub(r"backward\d*$", "", re.sub(r"[\W_]", "", bare).lower())
