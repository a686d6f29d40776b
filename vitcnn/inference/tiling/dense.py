"""Turns a classifier into a model of every pixel: its head at each place of its last feature map, enlarged."""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitcnn.errors import UserError
from vitcnn.images import core_of
from vitcnn.inference.places import at_each_place
from vitcnn.spec import InputShape


class FeatureMap(nn.Module):
    """The last feature map of a classifier of timm's.

    Images (batch, channels, px, px) -> (batch, features, rows, columns). Of a ViT it is what the tokens of the patches
    are at the end, those before them aside. It shares all with `model`, which is tried on one image of `shape`.
    UserError where there is no such map.
    """

    def __init__(self, model: nn.Module, shape: InputShape) -> None:
        super().__init__()
        self.core: Any = core_of(model)
        self.in_front = nn.Sequential(*_in_front(model, self.core))
        if not (hasattr(self.core, "forward_features") and hasattr(self.core, "forward_head")):
            raise _no_map(self.core, "it has no forward_features and forward_head")
        self.num_prefix_tokens = int(getattr(self.core, "num_prefix_tokens", 0))
        self.is_channels_last = getattr(self.core, "output_fmt", "NCHW") == "NHWC"
        parameter: Tensor = next(self.core.parameters())
        with torch.no_grad():
            image = torch.zeros(shape.of_batch(1), dtype=parameter.dtype, device=parameter.device)
            given = self._given(image)
        self.has_tokens = given.ndim == 3
        num_tokens = given.shape[1] - self.num_prefix_tokens
        if given.ndim not in (3, 4) or (self.has_tokens and isqrt(num_tokens) ** 2 != num_tokens):
            raise _no_map(self.core, f"of one image its features are {tuple(given.shape)}")

    def forward(self, images: Tensor) -> Tensor:
        features = self._given(images)
        if not self.has_tokens:
            return features.permute(0, 3, 1, 2) if self.is_channels_last else features
        tokens = features[:, self.num_prefix_tokens :].transpose(1, 2)
        return tokens.unflatten(2, (isqrt(tokens.shape[2]), -1))

    def _given(self, images: Tensor) -> Tensor:
        """Return the features as timm gives them: a map, the channels first or last, or tokens."""
        features: Tensor = self.core.forward_features(self.in_front(images))
        return features

    def logits(self, features: Tensor) -> Tensor:
        """Return what the head says at each place: (batch, features, rows, columns) -> (batch, classes, rows, columns).

        Each place is given to the whole head, norms included, as if it were all that there is.
        """
        return at_each_place(self._head, features)

    def _head(self, places: Tensor) -> Tensor:
        """Return the head's logits (places, classes) of features (places, features), each the only one of its map."""
        if self.has_tokens:  # a head reads the first token, or the mean of those behind the prefix: all are this one
            alone = places[:, None].expand(-1, self.num_prefix_tokens + 1, -1)
        else:
            alone = places[:, None, None] if self.is_channels_last else places[:, :, None, None]
        logits: Tensor = self.core.forward_head(alone)
        return logits


class Dense(nn.Module):
    """What a head says at each place of a feature map, bilinearly enlarged to the images' size.

    Images (batch, channels, px, px) -> (batch, classes, px, px). The head takes (batch, features, rows, columns) and
    returns (batch, classes, rows, columns), as a 1x1 convolution does.
    """

    def __init__(self, features: nn.Module, head: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.features = features
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        return F.interpolate(self.head(self.features(images)), size=images.shape[-2:], mode="bilinear")


def dense_model(model: nn.Module, shape: InputShape) -> Dense:
    """Return a model that says of each pixel of images of `shape` what `model`'s head says there.

    UserError where the model has no feature map to which its head could be applied.
    """
    features = FeatureMap(model, shape)
    return Dense(features, features.logits)


def _in_front(model: nn.Module, core: nn.Module) -> list[nn.Module]:
    """Return what prepares the images for `core` in `model`: the first of each sequence of two around it."""
    modules: list[nn.Module] = []
    while isinstance(model, nn.Sequential) and model is not core:
        modules.append(model[0])
        model = model[1]
    return modules


def _no_map(core: nn.Module, reason: str) -> UserError:
    allowed = f"classifiers of timm's with a feature map ({reason})"
    do = "Choose another architecture, or in Python give a module of your own that returns (batch, classes, px, px)."
    return UserError(field="dense output of", value=type(core).__name__, allowed=allowed, do=do)
