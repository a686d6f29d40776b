"""One training step: forward, loss, backward, optimiser. What `fit` repeats and the throughput cases time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW, Optimizer

from vitcnn.device import Device
from vitcnn.inference.forward import compiled
from vitcnn.spec import Mode, Precision


def adamw(model: nn.Module, *, learning_rate: float, weight_decay: float, betas: tuple[float, float]) -> AdamW:
    """Return a fused AdamW over the parameters that train; biases and norms do not decay."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return AdamW([group for group in groups if group["params"]], lr=learning_rate, betas=betas, fused=True)


class TrainingStep:
    """Calling it with images (batch, channels, px, px) and labels (batch,) trains the model once on them.

    Returns the loss, detached and still on the device: reading it, which waits for the device, is the caller's choice.
    bf16 is autocast: the weights stay fp32.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        *,
        device: Device,
        layout: torch.memory_format,
        precision: Precision,
        mode: Mode,
        label_smoothing: float = 0.0,
    ) -> None:
        self.optimizer = optimizer
        self.layout = layout
        in_bf16 = partial(torch.autocast, device.kind, torch.bfloat16)
        self.precision: Callable[[], AbstractContextManager[object]] = in_bf16 if precision == "bf16" else nullcontext
        self.label_smoothing = label_smoothing
        self.forward = compiled(model.train(), mode)

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        images = images.contiguous(memory_format=self.layout)
        with self.precision():
            loss = F.cross_entropy(self.forward(images), labels, label_smoothing=self.label_smoothing)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.detach()
