"""Finds the parts of a model: its classifier, and all before it as a module that returns features."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from vitcnn.architectures.parts import classifier_of
from vitcnn.errors import UserError
from vitcnn.images import core_of


def name_of_core(model: nn.Module) -> str:
    """Return how the names of parameters of `core_of(model)` begin in `model`: `1.`, or an empty string."""
    core = core_of(model)
    return next(f"{name}." if name else "" for name, module in model.named_modules() if module is core)


def classifier(model: nn.Module) -> tuple[str, nn.Linear]:
    """Return the last linear layer, which gives the logits, and its name in `core_of(model)`.

    UserError where the logits come from anything else.
    """
    core = core_of(model)
    heads = classifier_of(core)
    found = [(name, module) for name, module in core.named_modules() if module in heads and not list(module.children())]
    if len(found) == 1 and isinstance(found[0][1], nn.Linear):
        return found[0]
    value = ", ".join(f"{name} ({type(module).__name__})" for name, module in found) or "none"
    do = "Only such a model can be adapted: train it whole."
    raise UserError(field="head", value=value, allowed="models whose logits come from one linear layer", do=do)


def backbone(model: nn.Module) -> nn.Module:
    """Return a module that shares all with `model` but its classifier: it returns what the classifier would be given.

    In eval mode, without gradients.
    """
    name, _ = classifier(model)
    path = [*(name_of_core(model) + name).split(".")]
    return _replaced(model, path, nn.Identity()).eval().requires_grad_(False)


def require_linear_head(model: nn.Module, images: Tensor) -> None:
    """Raise UserError where something follows the classifier: then features and classifier are not the whole model."""
    _, head = classifier(model)
    model.eval()
    with torch.no_grad():
        of_parts, whole = head(backbone(model)(images)), model(images)
    if of_parts.shape != whole.shape or not torch.allclose(of_parts, whole, rtol=1e-3, atol=1e-4):
        do = "It changes the output of this layer, so its head cannot be trained alone: choose full or LoRA."
        allowed = "models that return the output of their last linear layer as logits"
        raise UserError(field="model", value=type(core_of(model)).__name__, allowed=allowed, do=do)


def _replaced(module: nn.Module, path: list[str], new: nn.Module) -> nn.Module:
    """Return a copy of `module` that shares all with it but the module at `path`, which is `new`."""
    shared = copy.copy(module)
    shared._modules = dict(module._modules)
    first, *rest = path
    child = module._modules[first]
    assert child is not None
    shared._modules[first] = _replaced(child, rest, new) if rest else new
    return shared
