"""Finds how far the features of a model look, and what stands in the way of taking a frame in strips.

Nothing is read from the layers. The pixels beyond a row are marked with NaN, which every operation hands on, and the
features that come out marked are those that see beyond that row. So branches, dilation, pooling, padding of either
kind and layers of one's own are all covered, and the answer does not depend on the weights.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from vitcnn.errors import UserError

Features = Callable[[Tensor], Tensor]

PROBE_WIDTHS_PX = (32, 128)
"""Rows are looked at, so a narrow frame will do; the wider one is for layers without padding."""

FIRST_PROBE_PX = 512
LAST_PROBE_PX = 8192
"""No model is shown more rows than these: one that looks from their middle to both ends is refused."""

CLEAN_ROWS = 2
"""So many rows of features of a probe are out of sight of its other half: one more than is looked at."""

LONGER_BY_PX = 1024
"""A probe this much taller tells the stride: a multiple of the usual ones, long enough for odd ones."""

REFUSALS = (AssertionError, RuntimeError, TypeError, ValueError)
"""What models raise for images of a size that they do not take."""

ALLOWED = "convolutional models whose features see a bounded part of the frame"


@dataclass(frozen=True, kw_only=True)
class ReceptiveField:
    """The rows of a frame that a row of features sees: row i sees rows `stride * i + first` to `stride * i + last`.

    All in pixels of the frame. A frame of any height has `height // stride - rows_less` rows of features.
    """

    stride: int
    first: int
    last: int
    rows_less: int

    @property
    def px(self) -> int:
        """How many pixels high the receptive field is."""
        return self.last - self.first + 1

    @property
    def halo_above_px(self) -> int:
        """The pixels above a strip that its features see, rounded up to the stride."""
        return max(0, -(self.first // self.stride)) * self.stride

    def num_rows(self, height: int) -> int:
        """Return how many rows of features a frame of `height` pixels has."""
        return height // self.stride - self.rows_less


def receptive_field(features: Features, model: nn.Module, *, like: Tensor, height: int) -> ReceptiveField:
    """Return the receptive field of `features`, which map (1, channels, rows, columns) to (1, features, rows, columns).

    `model` is the module that `features` belong to, in eval mode. `like` is any tensor (*, channels, *, *) of the dtype
    and on the device that the model takes. `height` is that of the frames, in pixels: padding that depends on the size,
    as TensorFlow's SAME does, moves the features by a pixel or two.

    Raises UserError, naming the module, where some part of the model sees the whole frame (attention, squeeze and
    excitation, a mean over the map, a norm over space), and where the features do not move with the frame.
    """
    if any(module.training for module in model.modules()):
        raise UserError(field="model", value=type(model).__name__, allowed="a model in eval mode", do="Call eval().")
    probe = Probe(features=features, model=model, like=like)
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=False):  # cuDNN's transforms would smear the marks
        stride = probe.stride()
        probe_px = probe.height_px()
        probe_px += (height - probe_px) % stride
        field = probe.field(probe_px, stride)
        probe.require_moving(probe_px, field)
    return field


class Probe:
    """Runs the features of a model on narrow frames of which some rows are marked."""

    def __init__(self, features: Features, model: nn.Module, like: Tensor) -> None:
        self.features, self.model, self.like = features, model, like
        self.width = next((px for px in PROBE_WIDTHS_PX if self._is_taken(px)), PROBE_WIDTHS_PX[-1])

    def _is_taken(self, width: int) -> bool:
        try:
            self.features(self.frame(FIRST_PROBE_PX, width))
        except REFUSALS:
            return False
        return True

    def frame(self, height: int, width: int = 0) -> Tensor:
        """Return a frame of noise, -1..1, (1, channels, height, width), the same each time."""
        generator = torch.Generator().manual_seed(0)
        pixels = torch.rand(1, self.like.shape[-3], height, width or self.width, generator=generator) * 2 - 1
        return pixels.to(self.like.device, self.like.dtype)

    def answer(self, frame: Tensor) -> Tensor:
        """Return the features of a frame; UserError, naming the module, where the model takes no such frame."""
        try:
            return self.features(frame)
        except REFUSALS as error:
            watch = self.watched(frame)
            do = f"{watch.running} refuses {tuple(frame.shape[-2:])} pixels: {str(error).partition(chr(10))[0]}"
            raise self.refused("models that take frames of any size", do) from error

    def watched(self, frame: Tensor) -> Watch:
        """Return what was seen of the modules while they made the features of a frame."""
        watch = Watch(self.model)
        with suppress(*REFUSALS), watch.watching():
            self.features(frame)
        return watch

    def marked(self, height: int, *, below: int | None = None, above: int | None = None) -> Tensor:
        """Return a frame whose pixel rows from `below` on, or before `above`, are marked."""
        frame = self.frame(height)
        frame[:, :, slice(below, above)] = torch.nan
        return frame

    def seen(self, frame: Tensor) -> Tensor:
        """Return which rows of features see marked pixels: bool (rows,)."""
        marked = self.answer(frame).isnan()
        if marked.all():
            return marked.new_ones(1)
        if marked.ndim != 4:
            do = f"Its features have the shape {tuple(marked.shape)}."
            raise self.refused("models whose features are a map (batch, channels, rows, columns)", do)
        return marked.any(dim=(0, 1, 3))

    def height_px(self) -> int:
        """Return how high a probe has to be for features in its middle that see neither of its ends."""
        height, before = FIRST_PROBE_PX, ""
        while height <= LAST_PROBE_PX:
            frames = (self.marked(height, below=height // 2), self.marked(height, above=height // 2))
            too_near = [frame for frame in frames if int((~self.seen(frame)).sum()) < CLEAN_ROWS]
            if not too_near:
                self.require_no_wrapping(*frames)
                return height
            height, last, before = 2 * height, before, self.watched(too_near[0]).global_part
            if before == last:  # what is only far-sighted sees less than twice as far
                break
        raise self.refused(ALLOWED, f"{before} is global: it sees the whole frame. Classify tiles instead.")

    def require_no_wrapping(self, marked_below: Tensor, marked_above: Tensor) -> None:
        """Raise UserError where features at one end of the frame see its other end."""
        below, above = (self.seen(frame).int().diff() for frame in (marked_below, marked_above))
        if (below < 0).any() or (above > 0).any():
            do = "At one end of the frame they see its other end, as by padding_mode='circular'. Classify tiles."
            raise self.refused(ALLOWED, do)

    def stride(self) -> int:
        """Return the pixels from one row of features to the next."""
        more = self.num_rows(FIRST_PROBE_PX + LONGER_BY_PX) - self.num_rows(FIRST_PROBE_PX)
        if more < 1:
            raise self.refused("features that grow with the frame", f"They have {more} rows more for a taller frame.")
        return max(1, round(LONGER_BY_PX / more))

    def num_rows(self, height: int) -> int:
        return int(self.answer(self.frame(height)).shape[-2])

    def field(self, height: int, stride: int) -> ReceptiveField:
        """Return the receptive field, from how the features near the probe's middle are marked row by row."""
        middle = height // 2 // stride * stride

        def unmarked_above(row: int) -> int:
            return int((~self.seen(self.marked(height, below=row))).sum())

        def marked_below(row: int) -> int:
            return int(self.seen(self.marked(height, above=row)).sum())

        rows, before = unmarked_above(middle), marked_below(middle)
        down = bisect_left(range(1, stride), rows + 1, key=lambda px: unmarked_above(middle + px))
        up = bisect_left(range(1, stride), before + 1, key=lambda px: marked_below(middle + px))
        return ReceptiveField(
            stride=stride,
            first=middle + up - stride * before,
            last=middle + down - stride * rows,
            rows_less=height // stride - self.num_rows(height),
        )

    def require_moving(self, height: int, field: ReceptiveField) -> None:
        """Raise UserError where a frame without its first rows has other features than the frame, away from its top."""
        frame = self.frame(height + field.stride)
        whole, part = (self.answer(part).float() for part in (frame, frame[:, :, field.stride :]))
        rows = field.halo_above_px // field.stride
        whole, part = whole[:, :, 1 + rows :], part[:, :, rows:]
        tolerance = 100 * torch.finfo(self.like.dtype).eps
        if whole.shape != part.shape or (whole - part).abs().max() > tolerance * whole.abs().max():
            do = f"They change with the place in the frame: moved by {field.stride} px they are others."
            raise self.refused("models whose features move with the frame", do)

    def refused(self, allowed: str, do: str) -> UserError:
        return UserError(field="full frame", value=type(self.model).__name__, allowed=allowed, do=do)


class Watch:
    """Watches the modules of a model while they run: which of them runs, and which first marks everything."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.stack: list[tuple[str, bool]] = []
        self.global_part = self.running = type(model).__name__

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch what runs inside."""
        self.stack, self.global_part = [], ""
        hooks = []
        for path, module in self.model.named_modules():
            name = f"{path} ({type(module).__name__})" if path else type(module).__name__
            hooks.append(module.register_forward_pre_hook(partial(self._starts, name), with_kwargs=True))
            hooks.append(module.register_forward_hook(self._ends))
        try:
            yield
        finally:
            self.running = self.stack[-1][0] if self.stack else type(self.model).__name__
            self.global_part = self.global_part or type(self.model).__name__
            for hook in hooks:
                hook.remove()

    def _starts(self, name: str, _module: nn.Module, args: Any, kwargs: Any) -> None:
        self.stack.append((name, not is_all_marked((args, kwargs))))

    def _ends(self, _module: nn.Module, _args: Any, output: Any) -> None:
        name, was_partly_clean = self.stack.pop()
        if was_partly_clean and not self.global_part and is_all_marked(output):
            self.global_part = name


def is_all_marked(values: Any) -> bool:
    """Whether every number in the tensors of `values` is NaN."""
    return all(bool(value.isnan().all()) for value in tree_leaves(values) if isinstance(value, Tensor))
