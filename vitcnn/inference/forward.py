"""Makes a model ready to run: resizing in front, on the device, in its precision and layout, compiled if asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitcnn.device import Device
from vitcnn.spec import Architecture, InputShape, Mode, Precision

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}

Run = TypeVar("Run", bound=Callable[..., Any])


class Resize(nn.Module):
    """Resizes images on their device: (batch, channels, *, *) -> (batch, channels, px, px).

    Bilinear; with antialiasing where it shrinks, in fp32, since torch has no antialiased bf16 on a CPU.
    """

    def __init__(self, px: int) -> None:
        super().__init__()
        self.px = px

    def forward(self, images: Tensor) -> Tensor:
        size = (self.px, self.px)
        if self.px < images.shape[-1]:
            return F.interpolate(images.float(), size=size, mode="bilinear", antialias=True).to(images.dtype)
        return F.interpolate(images, size=size, mode="bilinear")


def resized(architecture: Architecture, shape: InputShape) -> nn.Module:
    """Build the untrained model for images of `shape`, the resize in front where it works at another resolution."""
    model = architecture.build(shape)
    model_px = architecture.model_px(shape.px)
    return model if model_px == shape.px else nn.Sequential(Resize(model_px), model)


def memory_format(architecture: Architecture) -> torch.memory_format:
    """Return the layout of an architecture's images and weights: channels_last wherever convolutions do the work."""
    return torch.contiguous_format if architecture.family in ("vit", "other") else torch.channels_last


def prepare(
    model: nn.Module, *, device: Device, layout: torch.memory_format, precision: Precision, mode: Mode
) -> nn.Module:
    """Return `model` ready for inference: in eval mode, on the device, cast to its precision, compiled if asked."""
    model = model.eval().requires_grad_(False).to(device.name, DTYPES[precision]).to(memory_format=layout)
    return compiled(model, mode)


def compiled(run: Run, mode: Mode) -> Run:
    """Return `run`, a module or a function, compiled for static shapes where `mode` asks for it."""
    return cast("Run", torch.compile(run, dynamic=False)) if mode == "compiled" else run


def normalize(images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Turn uint8 images 0..255 into floats -1..1 of `dtype`."""
    return images.to(dtype).mul_(2 / 255).sub_(1)
