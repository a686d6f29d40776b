"""The optimisers that recipes name, over the parameters of a model that train.

A group's `peak` is its highest learning rate: the schedule sets `lr` to a share of it before each step.
"""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.optim import SGD, Optimizer
from torch.optim import AdamW as TorchAdamW

from vitcnn.recipes.parts import AdamW, Muon, Sgd
from vitcnn.recipes.parts import Optimizer as OptimizerSettings


def optimizers(model: nn.Module, settings: OptimizerSettings) -> list[Optimizer]:
    """Return the optimisers that `settings` ask for; all are stepped in each step."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if isinstance(settings, Muon):
        raise NotImplementedError
    return [BUILDERS[type(settings)](trained, settings)]


def adamw(parameters: list[nn.Parameter], settings: AdamW) -> Optimizer:
    """Return a fused AdamW; biases and norms do not decay."""
    groups = decaying_groups(parameters, settings.weight_decay)
    return with_peaks(TorchAdamW(groups, lr=settings.peak_learning_rate, betas=settings.betas, fused=True))


def sgd(parameters: list[nn.Parameter], settings: Sgd) -> Optimizer:
    """Return a fused SGD."""
    everything = [{"params": parameters, "weight_decay": settings.weight_decay}]
    groups = everything if settings.decay_all else decaying_groups(parameters, settings.weight_decay)
    momentum, nesterov = settings.momentum, settings.nesterov
    return with_peaks(SGD(groups, lr=settings.peak_learning_rate, momentum=momentum, nesterov=nesterov, fused=True))


BUILDERS: dict[type, Any] = {AdamW: adamw, Sgd: sgd}


def decaying_groups(parameters: list[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """Return the groups of what decays, matrices and filters, and of what does not, biases and norms."""
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def with_peaks(optimizer: Optimizer) -> Optimizer:
    """Note each group's learning rate as its peak."""
    for group in optimizer.param_groups:
        group["peak"] = group["lr"]
    return optimizer
