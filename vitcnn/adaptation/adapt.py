"""Makes a model train by an adaptation: what is frozen, and what is put beside it."""

from __future__ import annotations

import torch
from torch import nn

from vitcnn.adaptation.lora import add_lora, lora_layers
from vitcnn.adaptation.parts import classifier
from vitcnn.adaptations import Adaptation, Full, Lora
from vitcnn.errors import UserError


def adapted(model: nn.Module, how: Adaptation) -> nn.Module:
    """Return `model`, in which only what `how` says still requires gradients, in place; LoRA draws from torch's seed.

    UserError where the model has no such part.
    """
    if isinstance(how, Full):
        return model
    _, head = classifier(model)
    if isinstance(how, Lora):
        add_lora(model, how)
    else:
        model.requires_grad_(False)
    head.requires_grad_(True)
    return model


def require_used(model: nn.Module, images: torch.Tensor) -> None:
    """Raise UserError where a layer with LoRA is passed by: some models read a layer's weights and never call it."""
    called: set[nn.Module] = set()
    layers = lora_layers(model)
    handles = [layer.register_forward_pre_hook(lambda one, _: called.add(one)) for layer in layers.values()]
    try:
        with torch.no_grad():
            model.eval()(images)
        passed_by = [name for name, layer in layers.items() if layer not in called]
    except AttributeError as error:  # the weights of a layer that is wrapped now
        passed_by = [str(error)]
    finally:
        for handle in handles:
            handle.remove()
    if passed_by:
        do = "The model uses the weights of this layer without calling it: choose other targets or another model."
        raise UserError(field="targets of LoRA", value=passed_by[0], allowed="layers that the model calls", do=do)


def num_trainable(model: nn.Module) -> int:
    """Count the parameters that train."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
