"""One training step: forward, loss, backward, optimiser. What `fit` repeats and the throughput cases time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from vitcnn.device import Device
from vitcnn.inference.forward import compiled
from vitcnn.spec import Mode, Precision
from vitcnn.training.objectives import CLASSIFICATION, Objective


class TrainingStep:
    """Calling it with images (batch, channels, px, px) and targets trains the model once on them.

    Targets are what the objective's loss takes: of classification classes, int64 (batch,), or shares of classes, float
    (batch, classes). Returns the loss, detached and still on the device: reading it, which waits for the device, is the
    caller's choice. bf16 is autocast: the weights stay fp32. Modules of which nothing trains stay in eval mode.
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
        objective: Objective = CLASSIFICATION,
        label_smoothing: float = 0.0,
    ) -> None:
        self.optimizers = optimizers
        self.layout = layout
        in_bf16 = partial(torch.autocast, device.kind, torch.bfloat16)
        self.precision: Callable[[], AbstractContextManager[object]] = in_bf16 if precision == "bf16" else nullcontext
        self.objective = objective
        self.label_smoothing = label_smoothing
        self.model = in_training_mode(model)
        self.loss = compiled(self.eager_loss, mode)

    def eager_loss(self, images: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss; compiled, forward and loss are one graph, and backward another."""
        with self.precision():
            return self.objective.loss(self.model(images), targets, self.label_smoothing)

    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        loss = self.loss(images.contiguous(memory_format=self.layout), targets)
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return loss.detach()


def in_training_mode(model: nn.Module) -> nn.Module:
    """Return `model` in training mode, but for the modules of which nothing trains: their statistics stay, too."""
    model.train()
    for module in model.modules():
        if is_frozen(module):
            module.eval()
    return model


def is_frozen(module: nn.Module) -> bool:
    """Whether a module has parameters and none of them requires gradients."""
    required = [parameter.requires_grad for parameter in module.parameters()]
    return bool(required) and not any(required)
