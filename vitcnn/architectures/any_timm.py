"""Any timm model as an architecture: `timm/NAME`."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from vitcnn.architectures.timm_families import timm_family
from vitcnn.architectures.timm_sizes import timm_takes
from vitcnn.errors import UnknownName
from vitcnn.spec import Architecture, Family, InputShape

if TYPE_CHECKING:
    from torch import nn

PREFIX = "timm/"
LARGEST_SMALL_PX = 32
"""Up to here images are small: a stem or patch made for 224 px would leave nothing to see."""

IMAGENET = InputShape(px=224, channels=3, num_classes=1000)
"""What published sizes are stated for."""

TIMM_RESULTS = "timm, results/benchmark-infer-amp-nchw-pt240-cu124-rtx3090.csv"
TORCHVISION = "torchvision, meta of"
"""Sources of published sizes: timm's table rounds, torchvision states parameters to the unit."""


def is_timm(name: str) -> bool:
    """Whether `name` asks for a timm model."""
    return name.startswith(PREFIX)


def timm_model(name: str, shape: InputShape, *, fixed_px: bool = False, **options: Any) -> nn.Module:
    """Build timm's `name` for `shape`, untrained unless `options`, which are timm's, say other things.

    `fixed_px` tells a model that is made for one resolution.
    """
    import timm

    if fixed_px:
        options["img_size"] = shape.px
    model: nn.Module = timm.create_model(name, in_chans=shape.channels, num_classes=shape.num_classes, **options)
    return model


def timm_transformer(name: str, shape: InputShape, **options: Any) -> nn.Module:
    """Build timm's ViT `name`, made for 224 px; elsewhere its position embeddings are interpolated.

    So weights of 224 px, loaded before `set_input_size`, also serve tiles of 512 px.
    """
    model: Any = timm_model(name, shape, **options)
    if shape.px != IMAGENET.px:
        model.set_input_size(img_size=(shape.px, shape.px))
    return model


def any_timm_model(name: str) -> Architecture:
    """Return the architecture of `timm/NAME`; UnknownName, with the nearest names, where timm has none."""
    import timm
    import torch

    timm_name = name.removeprefix(PREFIX)
    if not timm.is_model(timm_name):
        known = (PREFIX + model for model in timm.list_models())
        raise UnknownName(field="architecture", value=name, known=known)
    config = timm.models.get_pretrained_cfg(timm_name)
    native_px = max(config.input_size[1:]) if config else IMAGENET.px
    fixed_px = bool(config and config.fixed_input_size)
    builder = partial(timm_model, timm_name, fixed_px=fixed_px)
    family = timm_family(timm_name, timm.model_entrypoint(timm_name).__module__.rpartition(".")[2])
    if family is None:
        with torch.device("meta"):
            family = family_of(builder(InputShape(px=native_px, channels=3, num_classes=10)))
    return Architecture(
        name=name,
        family=family,
        takes=timm_takes(builder, native_px=native_px, fixed_px=fixed_px),
        builder=builder,
        published=None,
        source=f"timm {timm.__version__}, {timm_name}",
        hub=_hub_name(config),
        file=_users_file(timm_name),
    )


def _users_file(timm_name: str) -> str:
    """Return the file of a model that a user has registered with timm; an empty string of timm's own."""
    import timm

    module = timm.model_entrypoint(timm_name).__module__
    is_timms = module.partition(".")[0] == "timm"
    return "" if is_timms else str(getattr(sys.modules.get(module), "__file__", "") or "")


def _hub_name(config: Any) -> str:
    """Return the name of a model's weights in timm's part of the hub; an empty string where they are elsewhere."""
    is_there = config is not None and str(config.hf_hub_id).startswith(PREFIX) and not config.hf_hub_filename
    return config.hf_hub_id.removeprefix(PREFIX) if is_there else ""


def family_of(model: nn.Module) -> Family:
    """Guess a model's family by its layers.

    No attention heads, a CNN; heads beside overlapping convolutions, a hybrid; else a ViT.
    """
    from torch import nn

    has_heads = any(hasattr(module, "num_heads") for module in model.modules())
    if not has_heads:
        return "cnn"
    convolutions = (m for m in model.modules() if isinstance(m, nn.Conv2d))
    overlapping = any(c.kernel_size[0] > c.stride[0] and c.groups < c.in_channels for c in convolutions)
    return "hybrid" if overlapping else "vit"
