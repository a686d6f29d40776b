"""Takes a whole frame through a convolutional model, at once or in strips, with the same result.

Tiles have padding at each of their edges, and neighbours share pixels that are computed twice. A model whose features
see a bounded part of the frame needs neither: it takes the frame as it is, or in strips with the memory of one strip.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from vitcnn.device import Device, is_out_of_memory, peak_bytes
from vitcnn.errors import UserError
from vitcnn.fields import require_count
from vitcnn.images import normalize
from vitcnn.inference.forward import compiled
from vitcnn.inference.places import at_each_place
from vitcnn.inference.receptive_field import Features, receptive_field
from vitcnn.inference.strips import Strip, Strips
from vitcnn.spec import Mode

HEAD_BEGINS_WITH = (nn.Flatten, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)

SAMPLE_WIDTH_PX = 128
"""Whether the head reads a mean is asked of features of a strip this wide."""

MEASURED_WIDTH_PX = 512
"""No wider is the strip whose memory is measured. What only weights take counts for its pixels, so larger ones fit."""


class FullFrame:
    """Takes frames of `height` by `width` pixels through a convolutional model, whole or in strips.

    `model` is in eval mode and eager; its parameters say on which device and in which precision it works. It takes
    images -1..1 (batch, channels, rows, columns) in the layout. It is one of timm's, or an nn.Sequential whose head
    begins with a pooling or flattening layer. `mode` says whether its features are compiled: strips have one shape.

    No strip is higher than `strip_px`, its halo included. With `budget_bytes` strips are as high as fit: all tensors of
    a strip together, as measured, but neither weights nor frame nor result.

    UserError where a part of the model sees the whole frame, which it names, and where no strip fits.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        height: int,
        width: int,
        channels: int = 3,
        layout: torch.memory_format = torch.contiguous_format,
        mode: Mode = "eager",
        strip_px: int | None = None,
        budget_bytes: int | None = None,
    ) -> None:
        for name, value in (("height", height), ("width", width), ("channels", channels)):
            require_count(name, value)
        parameter = next(model.parameters(), torch.empty(0))
        self.shape, self.layout = (channels, height, width), layout
        self.dtype, self.device = parameter.dtype, parameter.device
        self.like = parameter.new_empty(1, channels, 1, 1)
        self._features, self._head = features_and_head(model)
        self.field = receptive_field(self._laid_out_features, model, like=self.like, height=height)
        self._run_features = compiled(self._features, mode)
        if budget_bytes is not None:
            _require_budget(budget_bytes)
            strip_px = min(strip_px or height, budget_bytes // (self.bytes_per_px * width))
        self.plan = Strips(height=height, strip_px=height if strip_px is None else strip_px, field=self.field)

    def of_width(self, width: int) -> FullFrame:
        """Return one for frames of another width, in the same strips; nothing is found out anew."""
        require_count("width", width)
        other = copy.copy(self)
        other.shape = (*self.shape[:2], width)
        return other

    @property
    def num_pixels(self) -> int:
        """The pixels that the model is shown of a frame, those of halos each time."""
        return self.plan.px * len(self.plan.strips) * self.shape[2]

    @cached_property
    def bytes_per_px(self) -> int:
        """The most bytes that are allocated at once for a pixel of a strip, as measured on a narrow one."""
        strip = self._sample(min(self.shape[2], MEASURED_WIDTH_PX))
        features = self._features_of(strip)  # those of one strip are still there while the next one runs
        device = Device(name=str(self.device), key=str(self.device))
        num_bytes = features.nbytes + peak_bytes(device, lambda: self._features_of(strip))
        return -(-num_bytes // strip[0].numel())

    def features(self, frame: Tensor, out: Tensor | None = None) -> Tensor:
        """Return the last feature map (features, rows, columns) of `frame`, uint8 (channels, height, width).

        A row of features is `field.stride` pixels high. The frame may be on any device. The result is written to `out`
        where it is given: a tensor of that shape, of any floating dtype, on any device, that may be mapped to a file.
        """
        return self._collected(frame, out, lambda features: features)

    def dense(self, frame: Tensor, out: Tensor | None = None) -> Tensor:
        """Return what the head says at each place of the last feature map: (classes, rows, columns), as `features`."""
        self._require_head_of_mean()
        return self._collected(frame, out, self._head_at_each_place)

    def frame(self, frame: Tensor) -> Tensor:
        """Return the logits of the frame, float32 (classes,): the head on the mean of its features.

        The mean is taken while the strips run, so that the features need not be kept.
        """
        self._require_head_of_mean()
        with torch.inference_mode():
            sums = [(features.float().sum(dim=(1, 2)), features[0].numel()) for _, features in self._pieces(frame)]
            totals, counts = zip(*sums, strict=True)
            mean = (torch.stack(totals).sum(dim=0) / sum(counts)).to(self.dtype)
            return self._head(mean[None, :, None, None])[0].float()

    def _collected(self, frame: Tensor, out: Tensor | None, of_piece: Features) -> Tensor:
        """Return the rows of all strips, each as `of_piece` makes them, in `out` or a tensor made for them."""
        with torch.inference_mode():
            for strip, features in self._pieces(frame):
                rows = of_piece(features)
                shape = (len(rows), self.plan.num_rows, rows.shape[-1])
                out = rows.new_empty(shape) if out is None else out
                if out.shape != shape:
                    raise UserError(field="out", value=tuple(out.shape), allowed=str(shape), do="Give it this shape.")
                out[:, strip.first_row : strip.end_row] = rows
        assert out is not None, "a frame has at least one strip"
        return out

    def _pieces(self, frame: Tensor) -> Iterator[tuple[Strip, Tensor]]:
        """Yield each strip with the features (features, rows, columns) that it answers for."""
        if frame.shape != self.shape or frame.dtype != torch.uint8:
            value, do = f"{frame.dtype} {tuple(frame.shape)}", "Make a FullFrame for frames of this size."
            raise UserError(field="frame", value=value, allowed=f"uint8 {self.shape}", do=do)
        for strip in self.plan.strips:
            features = self._run_features(self._normalised(frame[:, strip.top : strip.bottom]))
            top = strip.top // self.field.stride
            yield strip, features[0, :, strip.first_row - top : strip.end_row - top]

    def _normalised(self, rows: Tensor) -> Tensor:
        return normalize(rows.to(self.device)[None], self.dtype).contiguous(memory_format=self.layout)

    def _laid_out_features(self, rows: Tensor) -> Tensor:
        return self._features(rows.contiguous(memory_format=self.layout))

    def _head_at_each_place(self, features: Tensor) -> Tensor:
        return at_each_place(lambda places: self._head(places[:, :, None, None]), features[None])[0]

    def _sample(self, width: int) -> Tensor:
        """Return a strip of noise, as high as a feature sees."""
        height = -(-self.field.px // self.field.stride) * self.field.stride
        generator = torch.Generator().manual_seed(0)
        noise = torch.randint(256, (self.shape[0], height, width), generator=generator, dtype=torch.uint8)
        return noise.to(self.device)

    def _features_of(self, rows: Tensor) -> Tensor:
        with torch.inference_mode():
            return self._features(self._normalised(rows))

    @cached_property
    def _head_reads_mean(self) -> bool:
        """Whether the head says of a map what it says of the map's mean."""
        features = self._features_of(self._sample(SAMPLE_WIDTH_PX))
        mean_of_map = features.float().mean((2, 3), keepdim=True).to(self.dtype)
        with torch.inference_mode():
            try:
                whole, mean = self._head(features), self._head(mean_of_map)
            except RuntimeError as error:  # layers for one size of map
                if is_out_of_memory(error):
                    raise
                return False
        tolerance = 100 * torch.finfo(self.dtype).eps
        return whole.shape == mean.shape and bool((whole - mean).abs().max() <= tolerance * whole.abs().max())

    def _require_head_of_mean(self) -> None:
        if not self._head_reads_mean:
            allowed, do = "heads on the mean of the last feature map", "Ask for the features, or classify tiles."
            raise UserError(field="head", value=type(self._head).__name__, allowed=allowed, do=do)


def _require_budget(budget_bytes: int) -> None:
    if isinstance(budget_bytes, bool) or not isinstance(budget_bytes, int) or budget_bytes < 1:
        allowed, do = "whole numbers from 1", "Give the bytes that a strip may take."
        raise UserError(field="budget_bytes", value=budget_bytes, allowed=allowed, do=do)


def features_and_head(model: nn.Module) -> tuple[Features, Features]:
    """Return what makes the last feature map of images, and what makes logits of it: two parts of `model`.

    UserError where they cannot be told apart.
    """
    layers: list[Any] = list(model) if isinstance(model, nn.Sequential) else [model]
    *front, core = layers or [model]
    if hasattr(core, "forward_features") and hasattr(core, "forward_head"):
        in_front = nn.Sequential(*front)
        return (lambda images: core.forward_features(in_front(images))), core.forward_head
    begins = next((place for place, layer in enumerate(layers) if isinstance(layer, HEAD_BEGINS_WITH)), 0)
    if begins:
        return nn.Sequential(*layers[:begins]), nn.Sequential(*layers[begins:])
    allowed = "models of timm's, with forward_features and forward_head, and sequences of layers with a pooling head"
    raise UserError(field="full frame", value=type(model).__name__, allowed=allowed, do="Classify tiles instead.")
