"""Makes a model ready to run: resizing in front, on the device, in its precision and layout, compiled if asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import nn

from vitcnn.device import Device
from vitcnn.images import Resize
from vitcnn.spec import Architecture, InputShape, Mode, Precision

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}

Run = TypeVar("Run", bound=Callable[..., Any])


def resized(architecture: Architecture, shape: InputShape) -> nn.Module:
    """Build the untrained model for images of `shape`, the resize in front where it works at another resolution."""
    model = architecture.build(shape)
    model_px = architecture.model_px(shape.px)
    return model if model_px == shape.px else nn.Sequential(Resize(model_px), model)


def memory_format(architecture: Architecture) -> torch.memory_format:
    """Return the layout of an architecture's images and weights: channels_last wherever convolutions do the work.

    Sequences of images are contiguous: their models lay out the images as they like.
    """
    is_contiguous = architecture.family in ("vit", "other") or architecture.sizes.kind != "image"
    return torch.contiguous_format if is_contiguous else torch.channels_last


def for_inference(
    model: nn.Module, *, device: Device, layout: torch.memory_format, precision: Precision, mode: Mode
) -> nn.Module:
    """Return `model` ready for inference: in eval mode, on the device, cast to its precision, compiled if asked."""
    model = model.eval().requires_grad_(False).to(device.name, DTYPES[precision]).to(memory_format=layout)
    return compiled(model, mode)


def compiled(run: Run, mode: Mode) -> Run:
    """Return `run`, a module or a function, compiled for static shapes where `mode` asks for it."""
    return cast("Run", torch.compile(run, dynamic=False)) if mode == "compiled" else run
