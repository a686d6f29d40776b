"""LoRA: low-rank updates beside frozen layers. Query and value of timm's fused layer are ours, all else is peft's."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitcnn.adaptation.parts import classifier
from vitcnn.adaptations import TARGETS, Lora, Targets
from vitcnn.errors import UserError
from vitcnn.images import core_of

HEAD_FIRST, THIRDS = "head first", "thirds"

FUSED = {
    "timm.layers.attention.Attention": THIRDS,
    "timm.layers.attention.AttentionRope": THIRDS,
    "timm.models.vision_transformer.Attention": THIRDS,
    "timm.models.swin_transformer.WindowAttention": THIRDS,
    "timm.models.hiera.MaskUnitAttention": THIRDS,
    "timm.models.eva.EvaAttention": THIRDS,
    "timm.models.maxxvit.AttentionCl": HEAD_FIRST,
}
"""Attention whose fused layer `qkv` has a known order: query, key and value one after the other, or so in each head."""

DEFAULT_TARGETS: tuple[Targets, ...] = ("qv", "qkv", "conv")
DEFAULT_RANKS = (16, 8, 4, 2, 1)
"""What LoRA adapts where nobody says more: the first targets that a model has, at the highest rank that fits."""

SEPARATE = {
    "qv": (("q_proj", "v_proj"), ("query", "value"), ("q", "v"), ("to_q", "to_v")),
    "qkv": (("q_proj", "k_proj", "v_proj"), ("query", "key", "value"), ("q", "k", "v"), ("to_q", "to_k", "to_v")),
}
"""Names of separate projections in a module of attention."""


class QueryValueLora(nn.Module):
    """A frozen fused layer `qkv` with updates of rank `rank` of its query and of its value; the key stays as it is.

    (..., inputs) -> (..., 3 * width), query, key and value one after the other, or so in each of `groups` heads. `down`
    (2 * rank, inputs) holds A of the query and of the value, `up` (2, width, rank) their B.
    """

    def __init__(self, base: nn.Linear, settings: Lora, groups: int = 1) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.rank, self.scale, self.groups = settings.rank, settings.scale, groups
        self.down = nn.Parameter(base.weight.new_empty(2 * settings.rank, base.in_features))
        self.up = nn.Parameter(base.weight.new_zeros(2, base.out_features // 3, settings.rank))
        for factor in self.down.chunk(2):
            nn.init.kaiming_uniform_(factor, a=math.sqrt(5))

    def forward(self, tokens: Tensor) -> Tensor:
        if self.groups == 1 and not torch.compiler.is_compiling():
            return self._in_few_operators(tokens)  # torch.compile does better on what it can take apart
        low = F.linear(tokens, self.down)
        of_query, of_value = (F.linear(low[..., i * self.rank : (i + 1) * self.rank], self.up[i]) for i in (0, 1))
        query, key, value = self.base(tokens).unflatten(-1, (self.groups, 3, -1)).unbind(-2)
        query = query + self.scale * of_query.unflatten(-1, (self.groups, -1))
        value = value + self.scale * of_value.unflatten(-1, (self.groups, -1))
        return torch.stack([query, key, value], -2).flatten(-3)

    def _in_few_operators(self, tokens: Tensor) -> Tensor:
        inputs: tuple[Tensor | None, ...] = (tokens, self.base.weight, self.base.bias, self.down, self.up)
        kind = tokens.device.type
        if torch.is_autocast_enabled(kind):
            dtype = torch.get_autocast_dtype(kind)
            inputs = tuple(None if tensor is None else tensor.to(dtype) for tensor in inputs)
        updated: Tensor = _Updated.apply(*inputs, self.scale)
        return updated

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """Add the update to the frozen weights, in place, and return the layer."""
        rows = self.base.weight.data.unflatten(0, (self.groups, 3, -1))
        for part, factor, up in zip((0, 2), self.down.chunk(2), self.up, strict=True):
            rows[:, part].add_((up @ factor).unflatten(0, (self.groups, -1)), alpha=self.scale)
        return self.base

    @torch.no_grad()
    def as_one(self) -> tuple[Tensor, Tensor]:
        """Return the same update as one of rank 2 * rank of the whole layer: A, and B, whose rows of the key are 0.

        Half of B's other numbers are 0 too: the query's rows know nothing of the value's factor.
        """
        up = self.up.new_zeros(self.groups, 3, self.up.shape[1] // self.groups, 2 * self.rank)
        for i, part in enumerate((0, 2)):
            up[:, part, :, i * self.rank : (i + 1) * self.rank] = self.up[i].unflatten(0, (self.groups, -1))
        return self.down.detach(), up.flatten(0, 2)

    @torch.no_grad()
    def set_as_one(self, down: Tensor, up: Tensor) -> None:
        """Take over what `as_one` returned."""
        self.down.copy_(down)
        parts = up.unflatten(0, (self.groups, 3, -1))
        for i, part in enumerate((0, 2)):
            self.up[i].copy_(parts[:, part, :, i * self.rank : (i + 1) * self.rank].flatten(0, 1))


def default_lora(model: nn.Module) -> Lora:
    """Return rank 16 on query and value, of a model without attention on its convolutions; lower for narrow models.

    UserError where there is no layer for it.
    """
    for which in DEFAULT_TARGETS:
        for rank in DEFAULT_RANKS:
            settings = Lora(rank=rank, targets=which, alpha=2 * rank)
            try:
                ranks_of(model, settings)
            except UserError:
                continue
            return settings
    targets(model, Lora(rank=1, targets="conv", alpha=2))
    raise AssertionError("every layer has an update of rank 1")


class _Updated(torch.autograd.Function):
    """What QueryValueLora computes where query, key and value follow one another.

    Matrix products write into the query and the value where they lie; autograd would copy all three for each of them.
    """

    @staticmethod
    def forward(
        ctx: Any, tokens: Tensor, weight: Tensor, bias: Tensor | None, down: Tensor, up: Tensor, scale: float
    ) -> Tensor:
        """Return (..., 3 * width) of tokens (..., inputs)."""
        fused = F.linear(tokens, weight, bias)
        low = F.linear(tokens, down).flatten(0, -2)
        for part, of_part, factor in zip(_query_and_value(fused), low.chunk(2, -1), up, strict=True):
            torch.addmm(part, of_part, factor.T, alpha=scale, out=part)
        ctx.save_for_backward(tokens, weight, low, down, up)
        ctx.scale = scale
        return fused

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of tokens, down and up."""
        tokens, weight, low, down, up = ctx.saved_tensors
        (gradient,) = gradients
        of_low, of_up = torch.empty_like(low), torch.empty_like(up)
        parts = zip(_query_and_value(gradient), low.chunk(2, -1), up, of_low.chunk(2, -1), of_up, strict=True)
        for part, of_part, factor, to_low, to_up in parts:
            torch.mm(part, factor, out=to_low)
            torch.mm(part.T, of_part, out=to_up)
        of_low.mul_(ctx.scale)
        flat = tokens.flatten(0, -2)
        of_tokens = None
        if ctx.needs_input_grad[0]:
            of_tokens = gradient.flatten(0, -2) @ weight
            of_tokens = torch.addmm(of_tokens, of_low, down, out=of_tokens).view_as(tokens)
        return of_tokens, None, None, of_low.T @ flat, of_up.mul_(ctx.scale), None


def _query_and_value(fused: Tensor) -> tuple[Tensor, Tensor]:
    """Return both as matrices that share the memory of (..., 3 * width)."""
    query, _, value = fused.flatten(0, -2).chunk(3, -1)
    return query, value


def add_lora(model: nn.Module, settings: Lora) -> None:
    """Freeze `model` and put LoRA beside the layers that are named, in place; the draws are of torch's generator.

    A layer that is too narrow for the rank has the largest that it can. UserError where no layer is of the targets, all
    are too narrow, or one shares its weights.
    """
    core = core_of(model)
    names, ranks = targets(model, settings), ranks_of(model, settings)
    _require_unshared(core, names)
    model.requires_grad_(False)
    if settings.targets == "qv":
        fused = {name: groups for name, groups in names.items() if groups}
        for name, groups in fused.items():
            core.set_submodule(name, QueryValueLora(_linear(core, name), settings, groups))
        names = {name: groups for name, groups in names.items() if not groups}
    if names:
        _add_by_peft(core, {name: ranks[name] for name in names}, settings)


def targets(model: nn.Module, settings: Lora) -> dict[str, int]:
    """Return the names in the model's core of the layers that LoRA adapts.

    With each comes by how many heads it is ordered where it is a fused layer of which query and value alone are
    adapted, else 0.
    """
    core = core_of(model)
    head, _ = classifier(model)
    if settings.targets in SEPARATE:
        found = dict(_projections(core, settings.targets))
    else:
        kinds = (nn.Linear, nn.Conv2d) if settings.targets == "conv" else (nn.Linear,)
        found = {
            name: 0
            for name, module in core.named_modules()
            if isinstance(module, kinds) and name != head and getattr(module, "groups", 1) == 1
        }
    if not found:
        allowed = ", ".join(f"lora{settings.rank}_{name}: {what}" for name, what in TARGETS.items())
        do = f"This model has no layer of {settings.targets}: choose other targets."
        raise UserError(field="targets of LoRA", value=settings.targets, allowed=allowed, do=do)
    return found


def _projections(core: nn.Module, which: str) -> Iterator[tuple[str, int]]:
    for name, module in core.named_modules():
        start = f"{name}." if name else ""
        children = dict(module.named_children())
        if isinstance(children.get("qkv"), nn.Linear):
            yield f"{start}qkv", _groups(module) if which == "qv" else 0
        for together in SEPARATE[which]:
            if all(isinstance(children.get(part), nn.Linear) for part in together):
                yield from ((f"{start}{part}", 0) for part in together)


def _groups(attention: nn.Module) -> int:
    """Return by how many heads a fused layer is ordered before it is by query, key and value."""
    kind = type(attention)
    order = FUSED.get(f"{kind.__module__}.{kind.__qualname__}")
    if order is None:
        do = "Choose qkv, which adapts the whole layer, or linear."
        allowed = f"qv of attention whose order of query, key and value is known: {', '.join(FUSED)}"
        raise UserError(field="targets of LoRA", value=f"qv of {kind.__name__}", allowed=allowed, do=do)
    heads: Any = attention.num_heads
    return int(heads) if order == HEAD_FIRST and getattr(attention, "head_first", False) else 1


def ranks_of(model: nn.Module, settings: Lora) -> dict[str, int]:
    """Return the rank of the update of each layer, by its name: the one asked for, or the largest that it can have.

    UserError where no layer can have the one that is asked for.
    """
    core = core_of(model)

    def largest(name: str, groups: int) -> int:
        layer: Any = core.get_submodule(name)
        outputs, *inputs = layer.weight.shape
        return min(outputs // 3 if groups else outputs, math.prod(inputs))

    most = {name: largest(name, groups) for name, groups in targets(model, settings).items()}
    widest = max(most, key=lambda name: most[name])
    if settings.rank > most[widest]:
        do = f"An update of its widest layer, {widest}, has a rank of {most[widest]} at most: choose a lower rank."
        raise UserError(field="rank of LoRA", value=settings.rank, allowed=f"1 to {most[widest]}", do=do)
    return {name: min(settings.rank, largest) for name, largest in most.items()}


def _require_unshared(core: nn.Module, names: Iterable[str]) -> None:
    """Raise UserError where a layer stands in two places, or another holds its weights: merged, both would change."""
    modules = list(core.modules())
    places = Counter(id(part) for module in modules for part in module._modules.values())
    holders = Counter(id(weights) for module in modules for weights in module._parameters.values())
    for name in names:
        layer: Any = core.get_submodule(name)
        if places[id(layer)] > 1 or holders[id(layer.weight)] > 1:
            do = (
                "The model uses the weights of this layer in another place, too: choose other targets or another model."
            )
            raise UserError(field="targets of LoRA", value=name, allowed="layers with weights of their own", do=do)


def _linear(core: nn.Module, name: str) -> nn.Linear:
    layer = core.get_submodule(name)
    assert isinstance(layer, nn.Linear)
    return layer


def _add_by_peft(core: nn.Module, ranks: dict[str, int], settings: Lora) -> None:
    """Put peft's layers beside those that `ranks` names; a narrow layer has a lower rank, and the same scale."""
    from peft import LoraConfig, inject_adapter_in_model

    lower = {re.escape(name): rank for name, rank in ranks.items() if rank < settings.rank}
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules="|".join(map(re.escape, ranks)),
        rank_pattern=lower,
        alpha_pattern={name: settings.scale * rank for name, rank in lower.items()},
    )
    inject_adapter_in_model(config, core)


def lora_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Return the layers that carry LoRA by their names in the model's core: ours, and peft's."""
    return {name: layer for name, layer in core_of(model).named_modules() if is_lora(layer)}


def is_lora(layer: nn.Module) -> bool:
    """Whether a layer carries LoRA."""
    return isinstance(layer, QueryValueLora) or (hasattr(layer, "lora_A") and hasattr(layer, "get_base_layer"))


def merge(model: nn.Module) -> nn.Module:
    """Add all updates to the frozen weights and put the plain layers back, in place; return the model."""
    core = core_of(model)
    for name, layer in lora_layers(model).items():
        core.set_submodule(name, _merged(layer))
    return model


def _merged(layer: Any) -> nn.Module:
    if isinstance(layer, QueryValueLora):
        return layer.merged()
    layer.merge()
    base: nn.Module = layer.get_base_layer()
    return base


def factors(layer: Any) -> tuple[Tensor, Tensor]:
    """Return A and B of a layer's update as peft stores them, of our own as one update of twice the rank."""
    if isinstance(layer, QueryValueLora):
        return layer.as_one()
    name = layer.active_adapters[0]
    return layer.lora_A[name].weight.detach(), layer.lora_B[name].weight.detach()
