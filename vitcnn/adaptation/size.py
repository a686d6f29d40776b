"""Counts what an adaptation adds to a model, without its numbers: it works on the meta device."""

from __future__ import annotations

from torch import nn

from vitcnn.adaptation.adapt import num_trainable
from vitcnn.adaptation.lora import factors, lora_layers
from vitcnn.adaptation.parts import classifier

FP32_BYTES = 4
"""Bytes of one number as adapters are written."""


def adapter_bytes(model: nn.Module) -> int:
    """Return the bytes of all that trains, in fp32: the head, and A and B of LoRA."""
    return FP32_BYTES * num_trainable(model)


def peft_bytes(model: nn.Module) -> int | None:
    """Return the bytes of the head, A and B in fp32 as peft's format holds them; None where there is no LoRA.

    Query and value of a fused layer are one update of the whole layer there, of twice the rank: that takes twice the
    numbers, of which half are zeros.
    """
    layers = lora_layers(model)
    if not layers:
        return None
    _, head = classifier(model)
    updates = [factor for layer in layers.values() for factor in factors(layer)]
    return FP32_BYTES * sum(tensor.numel() for tensor in (*updates, *head.parameters()))
