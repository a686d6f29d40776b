"""What an architecture takes: which sizes of images it works at as they are, and to which others are resized."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args

from vitcnn.errors import UserError
from vitcnn.fields import require_count, require_one_of

InputKind = Literal["image", "sequence of images", "anchor and sequence of images"]
"""What one input of a model is. An anchor is one more image, the first, which the others are compared with."""

OF_SEQUENCES: tuple[InputKind, ...] = ("sequence of images", "anchor and sequence of images")


def num_anchors(kind: InputKind) -> int:
    """Return how many images of an input are no part of its sequence."""
    return int(kind == "anchor and sequence of images")


def with_article(kind: InputKind) -> str:
    """Return a kind of input as it stands in a sentence."""
    return f"{'a' if kind.startswith('s') else 'an'} {kind}"


class Sizes(Protocol):
    """What is known of the input of an architecture: a rule, a list, or what trying shows."""

    @property
    def kind(self) -> InputKind:
        """What one input is."""

    @property
    def words(self) -> str:
        """What is taken, as it follows `takes` in a sentence."""

    def refusal(self, px: int) -> str:
        """Return why images of `px` are not taken; an empty string where they are."""

    def model_px(self, px: int) -> int | None:
        """Return the resolution that the model works at for images of `px`; None where it works at none."""


@dataclass(frozen=True, kw_only=True)
class Takes:
    """A rule: multiples of `step_px` from `at_least_px` to `at_most_px`, and each size of `also_px`, as they are.

    Every other size is resized: one that is smaller than all of these to `enlarged_to_px`, by default the smallest of
    them, and any other to the nearest, of two the larger. `step_px` is a ViT's patch, a CNN's total stride or a
    multiple of them that windows ask for; 1 where every pixel counts at any size. Without `at_most_px` there is no end.
    """

    step_px: int = 1
    at_least_px: int
    at_most_px: int | None = None
    also_px: tuple[int, ...] = ()
    enlarged_to_px: int | None = None
    kind: InputKind = "image"

    def __post_init__(self) -> None:
        require_one_of("kind", self.kind, get_args(InputKind))
        require_count("step_px", self.step_px)
        for px in self.also_px:
            require_count("also_px", px)
        self._require("at_least_px", self.at_least_px, self._is_multiple, f"multiples of step_px, {self.step_px}")
        if self.at_most_px is not None:
            allowed = f"multiples of step_px, {self.step_px}, from at_least_px, {self.at_least_px}, on"
            self._require("at_most_px", self.at_most_px, self._fits, allowed)
        if self.enlarged_to_px is not None:
            self._require("enlarged_to_px", self.enlarged_to_px, self._fits, self._sizes())

    @property
    def smallest_px(self) -> int:
        """The smallest size that is taken as it is."""
        return min((self.at_least_px, *self.also_px))

    @property
    def words(self) -> str:
        """The sizes that are taken as they are, and where smaller images go if it is not to the smallest of these."""
        is_elsewhere = self.enlarged_to_px not in (None, self.smallest_px)
        return self._sizes() + (f"; smaller images are enlarged to {self.enlarged_to_px} px" if is_elsewhere else "")

    def refusal(self, px: int) -> str:
        return "" if px >= 1 else "images have at least one pixel"

    def model_px(self, px: int) -> int | None:
        if px < 1:
            return None
        if px < self.smallest_px:
            return self.enlarged_to_px or self.smallest_px
        below = max(px // self.step_px * self.step_px, self.at_least_px)
        candidates = [*self.also_px, *(min(size, self.at_most_px or size) for size in (below, below + self.step_px))]
        return min(candidates, key=lambda size: (abs(size - px), -size))

    def _sizes(self) -> str:
        last, step = self.at_most_px, self.step_px
        if last == self.at_least_px:
            sizes = f"{last} px"
        else:
            start = f"{'every size' if step == 1 else f'multiples of {step} px'} from {self.at_least_px}"
            sizes = f"{start} px on" if last is None else f"{start} to {last} px"
        return " and ".join([*(f"{px} px" for px in sorted(self.also_px)), sizes])

    def _is_multiple(self, px: int) -> bool:
        return px % self.step_px == 0

    def _fits(self, px: int) -> bool:
        is_in_range = self.at_least_px <= px <= (self.at_most_px or px)
        return px in self.also_px or (is_in_range and self._is_multiple(px))

    def _require(self, name: str, px: int, fits: Callable[[int], bool], allowed: str) -> None:
        require_count(name, px)
        if not fits(px):
            raise UserError(field=name, value=px, allowed=allowed, do="Correct the Takes of the architecture.")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """An exception from the rule: these sizes alone, each with the one that the model works at for it."""

    model_px_by_px: Mapping[int, int] = field(hash=False)
    kind: InputKind = "image"

    def __post_init__(self) -> None:
        _require_mapping(self.model_px_by_px)
        for sizes in self.model_px_by_px.items():
            for px in sizes:
                require_count("resolutions", px)

    @property
    def words(self) -> str:
        return ", ".join(str(px) for px in sorted(self.model_px_by_px)) + " px"

    def refusal(self, px: int) -> str:
        return "" if px in self.model_px_by_px else "its resolutions are stated one by one"

    def model_px(self, px: int) -> int | None:
        """Return the size that is stated for `px`; a size that the model works at stays as it is."""
        return self.model_px_by_px.get(px, px if px in self.model_px_by_px.values() else None)


def _require_mapping(value: object) -> None:
    if not isinstance(value, Mapping):
        do = "Write resolutions={28: 224, 224: 224}, or state takes=Takes(...)."
        raise UserError(field="resolutions", value=value, allowed="a mapping of sizes in px", do=do)
