"""One training step: forward, loss, backward, optimiser. What `fit` repeats and the throughput cases time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from vitcnn.device import Device
from vitcnn.inference.forward import compiled
from vitcnn.spec import Mode, Precision


class TrainingStep:
    """Calling it with images (batch, channels, px, px) and targets trains the model once on them.

    Targets are classes, int64 (batch,), or shares of classes, float (batch, classes). Returns the loss, detached and
    still on the device: reading it, which waits for the device, is the caller's choice. bf16 is autocast: the weights
    stay fp32.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        *,
        device: Device,
        layout: torch.memory_format,
        precision: Precision,
        mode: Mode,
        label_smoothing: float = 0.0,
    ) -> None:
        self.optimizers = optimizers
        self.layout = layout
        in_bf16 = partial(torch.autocast, device.kind, torch.bfloat16)
        self.precision: Callable[[], AbstractContextManager[object]] = in_bf16 if precision == "bf16" else nullcontext
        self.label_smoothing = label_smoothing
        self.model = model.train()
        self.loss = compiled(self.eager_loss, mode)

    def eager_loss(self, images: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss; compiled, forward and loss are one graph, and backward another."""
        with self.precision():
            return F.cross_entropy(self.model(images), targets, label_smoothing=self.label_smoothing)

    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        loss = self.loss(images.contiguous(memory_format=self.layout), targets)
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return loss.detach()
