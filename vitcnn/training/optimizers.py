"""The optimisers that recipes name, over the parameters of a model that train.

A group's `peak` is its highest learning rate: the schedule sets `lr` to a share of it before each step.
"""

from __future__ import annotations

from typing import Any, cast

from torch import nn
from torch.optim import SGD, Optimizer
from torch.optim import Adam as TorchAdam
from torch.optim import AdamW as TorchAdamW

from vitcnn.recipes.parts import Adam, AdamW, Muon, Sgd
from vitcnn.recipes.parts import Optimizer as OptimizerSettings
from vitcnn.training.in_memory_order import in_memory_order
from vitcnn.training.muon import OrthogonalMomentum


def optimizers(model: nn.Module, settings: OptimizerSettings) -> list[Optimizer]:
    """Return the optimisers that `settings` ask for, none without parameters; all are stepped in each step."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not isinstance(settings, Muon):
        return [BUILDERS[type(settings)](trained, settings)]
    hidden = [weight for weight in hidden_weights(model) if weight.requires_grad]
    chosen = {id(weight) for weight in hidden}
    rest = [parameter for parameter in trained if id(parameter) not in chosen]
    first = [muon(hidden, settings)] if hidden else []
    return [*first, *optimizers_of_rest(rest, settings.rest)]


def optimizers_of_rest(rest: list[nn.Parameter], settings: AdamW | Sgd) -> list[Optimizer]:
    """Return the optimiser of what Muon leaves, or none where it leaves nothing."""
    return [BUILDERS[type(settings)](rest, settings)] if rest else []


def hidden_weights(model: nn.Module) -> list[nn.Parameter]:
    """Return the weights of every linear layer and ungrouped convolution between the first layer and the last.

    The first reads pixels and the last returns logits. They are so in the order in which the layers were registered,
    frozen ones too.
    """
    layers = [module for module in model.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    return [
        cast("nn.Parameter", layer.weight)
        for layer in layers[1:-1]
        if not isinstance(layer, nn.Conv2d) or layer.groups == 1
    ]


def adamw(parameters: list[nn.Parameter], settings: AdamW) -> Optimizer:
    """Return a fused AdamW; biases and norms do not decay."""
    groups = decaying_groups(parameters, settings.weight_decay)
    return with_peaks(
        in_memory_order(TorchAdamW(groups, lr=settings.peak_learning_rate, betas=settings.betas, fused=True))
    )


def adam(parameters: list[nn.Parameter], settings: Adam) -> Optimizer:
    """Return a fused Adam; everything decays."""
    rate, decay = settings.peak_learning_rate, settings.weight_decay
    optimizer = TorchAdam(parameters, lr=rate, betas=settings.betas, weight_decay=decay, fused=True)
    return with_peaks(in_memory_order(optimizer))


def sgd(parameters: list[nn.Parameter], settings: Sgd) -> Optimizer:
    """Return a fused SGD."""
    everything = [{"params": parameters, "weight_decay": settings.weight_decay}]
    groups = everything if settings.decay_all else decaying_groups(parameters, settings.weight_decay)
    momentum, nesterov = settings.momentum, settings.nesterov
    optimizer = SGD(groups, lr=settings.peak_learning_rate, momentum=momentum, nesterov=nesterov, fused=True)
    return with_peaks(in_memory_order(optimizer))


def muon(weights: list[nn.Parameter], settings: Muon) -> Optimizer:
    """Return the optimiser of hidden weights."""
    return with_peaks(
        OrthogonalMomentum(
            weights,
            lr=settings.peak_learning_rate,
            momentum=settings.momentum,
            nesterov=settings.nesterov,
            num_steps=settings.newton_schulz_steps,
            keep_norm=settings.keep_norm,
            weight_decay=settings.weight_decay,
        )
    )


BUILDERS: dict[type, Any] = {AdamW: adamw, Adam: adam, Sgd: sgd}


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
