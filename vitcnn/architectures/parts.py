"""Counts the parameters of each part of a model, recognised by the types and timm's names of its modules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vitcnn.architectures.any_timm import family_of

if TYPE_CHECKING:
    from torch import nn

PARTS = (
    "patch_embedding",
    "position",
    "token",
    "qkv",
    "projection",
    "mlp",
    "stem",
    "stages",
    "norms",
    "head",
    "other",
)
"""Of a ViT: the first six, norms, head. Of a CNN: stem, stages, norms, head. A hybrid has parts of both."""

QKV = frozenset({"qkv", "q", "k", "v", "kv", "q_proj", "k_proj", "v_proj", "q_bias", "v_bias", "in_proj_weight"})
PROJECTION = frozenset({"proj", "out_proj"})
STEM_OF_RESNET = frozenset({"conv1", "conv2"})
BACKBONE = "patch_embed.backbone."
"""Where timm's hybrids keep the CNN before the ViT's body."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A parameter: the steps to it, its own name the last one, the module it is of, and what is around that."""

    steps: tuple[str, ...]
    module: nn.Module
    is_of_classifier: bool
    is_of_attention_block: bool
    is_of_first_convolution: bool
    is_vit: bool

    def passes(self, *names: str) -> bool:
        """Whether a step holds one of `names`."""
        return any(name in step for step in self.steps for name in names)


def is_norm(place: Place) -> bool:
    """Normalisation, and the scale of a residual branch."""
    kind = type(place.module).__name__.lower()
    return "norm" in kind or kind.startswith("layerscale") or place.steps[-1].startswith("gamma")


def is_stem(place: Place) -> bool:
    """What sees the pixels first in a CNN."""
    return place.passes("stem") or place.is_of_first_convolution or place.steps[0] in STEM_OF_RESNET


def is_stage(place: Place) -> bool:
    """Any other convolution or matrix of a CNN, or of a hybrid's CNN."""
    return not place.is_vit and "weight" in dict(place.module.named_parameters(recurse=False))


RULES: tuple[tuple[str, Callable[[Place], bool]], ...] = (
    ("norms", is_norm),
    ("head", lambda place: place.is_of_classifier),
    ("position", lambda place: place.passes("pos_embed", "rel_pos", "position")),
    ("token", lambda place: "token" in place.steps[-1]),
    ("qkv", lambda place: place.is_of_attention_block and not QKV.isdisjoint(place.steps)),
    ("patch_embedding", lambda place: place.passes("patch_embed", "reduction")),
    ("projection", lambda place: place.is_of_attention_block and not PROJECTION.isdisjoint(place.steps)),
    ("mlp", lambda place: place.is_of_attention_block and place.passes("mlp")),
    ("stem", is_stem),
    ("stages", is_stage),
)
"""The first that fits says where a parameter belongs. Swin's merging of patches, `reduction`, is an embedding too."""


def parameters_by_part(model: nn.Module) -> dict[str, int]:
    """Return how many parameters each part of `model` has, each parameter in one of them; `PARTS` says which there are.

    Works on the meta device. What no rule knows is in "other"; parts without a parameter are left out.
    """
    counts: Counter[str] = Counter()
    for place, count in places(model):
        counts[next((part for part, fits in RULES if fits(place)), "other")] += count
    return {part: counts[part] for part in PARTS if counts[part]}


def places(model: nn.Module) -> Iterator[tuple[Place, int]]:
    """Yield every parameter's place and its numbers; a shared parameter once."""
    modules = dict(model.named_modules())
    classifier, first = classifier_of(model), first_convolution(model)
    attention_blocks = tuple(
        f"{name}." for name, module in modules.items() if name and any(has_heads(child) for child in module.children())
    )
    is_vit = family_of(model) == "vit"
    for name, parameter in model.named_parameters():
        module = modules[name.rpartition(".")[0]]
        place = Place(
            steps=tuple(name.removeprefix(BACKBONE).split(".")),
            module=module,
            is_of_classifier=module in classifier,
            is_of_attention_block=name.startswith(attention_blocks),
            is_of_first_convolution=module is first,
            is_vit=is_vit,
        )
        yield place, parameter.numel()


def has_heads(module: nn.Module) -> bool:
    """Whether a module is attention."""
    return hasattr(module, "num_heads")


def classifier_of(model: nn.Module) -> set[nn.Module]:
    """Return what gives the logits: what timm says, or the last linear layer."""
    from torch import nn

    get_classifier: Any = getattr(model, "get_classifier", None)
    if get_classifier is not None:
        found = get_classifier()
        heads = found if isinstance(found, (tuple, list)) else [found]
        return {module for head in heads for module in head.modules()}
    return set([module for module in model.modules() if isinstance(module, nn.Linear)][-1:])


def first_convolution(model: nn.Module) -> nn.Module | None:
    """Return the first convolution of a model that names no stem, or None."""
    from torch import nn

    if any("stem" in name for name, _ in model.named_modules()):
        return None
    return next((module for module in model.modules() if isinstance(module, nn.Conv2d)), None)


def num_parameters(model: nn.Module) -> int:
    """Count the parameters of a model."""
    return sum(parameter.numel() for parameter in model.parameters())
