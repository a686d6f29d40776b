"""Which sizes a timm model takes, found by building and asking it on torch's meta device, without memory.

timm says of a model its own resolution and its strides, and not which sizes it answers: windows, blocks of attention
and tables of positions may need more than whole strides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from vitcnn.input_sizes import Takes
from vitcnn.spec import InputShape

if TYPE_CHECKING:
    from torch import nn

USUAL_PX = 224
"""From here on images are taken as they are; smaller ones are enlarged, as studies A and B do."""

USUAL_STRIDE_PX = 32
"""Of a model that does not state its strides."""

WINDOW = 8
"""Strides of the windows and blocks in timm that must fill the last map."""

NUM_CLASSES = 7


def timm_takes(build: Callable[[InputShape], nn.Module], *, native_px: int, fixed_px: bool) -> Takes:
    """Return the rule of a model whose own resolution is `native_px`; that alone where it answers at no others.

    `fixed_px` says of a model that it is built for one resolution. Images that are too small are enlarged to its own.
    """
    model = OnMeta(build=build, built_px=None if fixed_px else native_px)
    stride, least = model.total_stride_px(native_px), min(native_px, USUAL_PX)
    if not fixed_px and model.sees_every_pixel(multiple_from(least, stride)):
        return Takes(at_least_px=least, enlarged_to_px=native_px)
    for step in (stride, WINDOW * stride):
        first = multiple_from(least, step)
        if model.answers(first) and model.answers(first + step):
            also = (px for px in {least, native_px} if px % step and model.answers(px))
            return Takes(step_px=step, at_least_px=first, also_px=tuple(sorted(also)), enlarged_to_px=native_px)
    return Takes(step_px=native_px, at_least_px=native_px, at_most_px=native_px)


def multiple_from(least: int, step: int) -> int:
    """Return the smallest multiple of `step` that is not below `least`."""
    return -(-least // step) * step


class OnMeta:
    """A model without memory, built anew for each size that it is asked about, or for `built_px` alone."""

    def __init__(self, *, build: Callable[[InputShape], nn.Module], built_px: int | None) -> None:
        self.build, self.built_px = build, built_px
        self.models: dict[int, Any] = {}

    def model(self, px: int) -> Any:
        """Build the model for `px`, in eval mode, where it has not been built."""
        import torch

        if px not in self.models:
            with torch.device("meta"), torch.random.fork_rng(devices=()):
                self.models[px] = self.build(InputShape(px=px, channels=3, num_classes=NUM_CLASSES)).eval()
        return self.models[px]

    def total_stride_px(self, px: int) -> int:
        """Return the pixels from one place of the coarsest map to the next: of a ViT, its patch."""
        stages: Iterable[dict[str, Any]] = getattr(self.model(px), "feature_info", None) or ()
        return max((int(stage["reduction"]) for stage in stages), default=USUAL_STRIDE_PX)

    def sees_every_pixel(self, px: int) -> bool:
        """Whether a pixel more than `px`, which whole strides fill, makes a larger map: it is padded, not cut off."""
        return self.num_features(px + 1) > self.num_features(px) and self.answers(px + 1)

    def num_features(self, px: int) -> int:
        """Return how many numbers the last map holds; 0 where there is none, or several."""
        features = self.ask(px, "forward_features")
        return features.numel() if hasattr(features, "numel") else 0

    def answers(self, px: int) -> bool:
        """Whether it gives a logit for each class."""
        return tuple(getattr(self.ask(px, "forward"), "shape", ())) == (1, NUM_CLASSES)

    def ask(self, px: int, method: str) -> Any:
        """Return what it answers to an image without content; None where it raises."""
        import torch

        try:
            model = self.model(self.built_px or px)
            with torch.device("meta"), torch.no_grad():
                return getattr(model, method)(torch.empty(1, 3, px, px))
        except Exception:  # whatever timm's models raise at a size that they do not take
            return None
