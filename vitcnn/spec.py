"""The nouns: what can be measured, as frozen values. Standard library and NumPy alone.

A `Case` is what one benchmark measures; `str(case)` is its pytest id and the key of its baseline.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, get_args

import numpy as np

from vitcnn.adaptations import FULL, adaptation
from vitcnn.errors import UnsupportedResolution, UserError
from vitcnn.fields import require_count, require_name, require_one_of, require_share
from vitcnn.input_sizes import InputKind, Listed, Sizes, with_article

if TYPE_CHECKING:
    from torch import nn

Family = Literal["cnn", "vit", "hybrid", "other"]
Precision = Literal["fp32", "bf16"]
Mode = Literal["eager", "compiled"]
Preset = Literal["smoke", "standard", "full"]

FAMILIES: tuple[Family, ...] = ("cnn", "vit", "hybrid", "other")
"""`other` is what nobody has said the family of: a user's own model."""

PRESETS: tuple[Preset, ...] = ("smoke", "standard", "full")
"""From the smallest to the largest; each holds all cases of those before it."""

NUM_SEEDS = 3
"""Seeds of a case that trains, unless its id says otherwise."""

TIME_TOLERANCE = 0.02
"""Relative change of a time that is not worth a red build, unless a case says otherwise."""


@dataclass(frozen=True, kw_only=True)
class InputShape:
    """What a model is built for: `channels` x `px` x `px` images, `num_classes` outputs.

    `num_classes` is 1 where the answer is one number. `length` is the number of images in one input, places that may
    stay empty included; None where an input is one image.
    """

    px: int
    channels: int
    num_classes: int
    length: int | None = None

    def of_batch(self, count: int) -> tuple[int, ...]:
        """Return the shape of `count` inputs: (count, channels, px, px), of sequences `length` behind the count."""
        places = () if self.length is None else (self.length,)
        return (count, *places, self.channels, self.px, self.px)


@dataclass(frozen=True, kw_only=True)
class Published:
    """Size of an architecture as its source states it (or counted by hand for our own), at `shape`.

    `macs` are multiply-accumulates of one forward of one image, half the FLOPs. `macs_exception` says why a source
    counts over 1 % more or less than the matrix products, convolutions and attention that we count.
    """

    shape: InputShape
    parameters: int
    macs: int
    source: str
    macs_exception: str = ""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A model family member and how to build it.

    `takes` is the rule of the sizes that the model works at; images of other sizes are resized on the device, inside
    what is timed. `resolutions` stands for it as an exception, a list of input sizes with the model's size for each. Of
    one that `--arch FILE.py:NAME` brings both may be absent: what the model takes is then tried out. `any_length` says
    of a model of sequences whether it can be given longer ones than it is built for. `hub` names its ImageNet weights
    in timm's part of the Hugging Face hub, empty where it has none. `builder` returns an untrained module for the
    model's resolution: (batch, channels, px, px), of sequences (batch, length, channels, px, px) with
    `images.NO_IMAGE` at empty places, -> (batch, num_classes); where there is a `hub`, it takes timm's options too. Of
    a user's own, `file` is where it is defined, and `counted_parameters` stands for a published size.
    """

    name: str
    family: Family
    builder: Callable[..., nn.Module]
    takes: Sizes | None = None
    resolutions: Mapping[int, int] = field(hash=False, default_factory=dict)
    published: Published | None = None
    source: str = ""
    any_length: bool = True
    hub: str = ""
    file: str = ""
    counted_parameters: int | None = None

    def __post_init__(self) -> None:
        require_name("name of an Architecture", self.name)
        require_one_of(f"family of {self.name}", self.family, FAMILIES)
        if self.takes is not None and self.resolutions:
            do = "Remove resolutions: a list is only for models whose sizes follow no rule."
            allowed = "takes or resolutions, but not both"
            raise UserError(field=f"resolutions of {self.name}", value=self.resolutions, allowed=allowed, do=do)
        _ = self.sizes  # refuses what cannot be a list of resolutions

    @property
    def weights(self) -> str:
        """What it is built with: `random`, and of a user's own, which may load some, `as built`."""
        return "as built" if self.file else "random"

    @property
    def num_parameters(self) -> int | None:
        """The published or counted number of parameters, None where nobody has counted."""
        return self.published.parameters if self.published else self.counted_parameters

    @property
    def sizes(self) -> Sizes:
        """What it takes: its rule, or the list that stands for one."""
        return self.takes or Listed(model_px_by_px=self.resolutions)

    def refusal(self, px: int, kind: InputKind = "image") -> str:
        """Return what it takes and that it cannot be given inputs of `kind` at `px`; an empty string where it can."""
        if self.sizes.kind != kind:
            return f"{self.name} takes {with_article(self.sizes.kind)} as one input, not {with_article(kind)}"
        reason = self.sizes.refusal(px)
        return f"{self.name} takes {self.sizes.words}, not {px} px: {reason}" if reason else ""

    def accepts(self, px: int, kind: InputKind = "image") -> bool:
        """Whether it can be given inputs of `kind` at `px`, as they are or resized."""
        return not self.refusal(px, kind)

    def model_px(self, input_px: int) -> int:
        """Return the resolution the model works at for images of `input_px` pixels a side."""
        found = self.sizes.model_px(input_px)
        if found is None:
            do = "Choose a size that it takes, or another architecture"
            raise UnsupportedResolution(f"{self.refusal(input_px, self.sizes.kind)}. {do}")
        return found

    def build(self, shape: InputShape) -> nn.Module:
        """Build the untrained module for images of `shape.px`, working at `model_px(shape.px)`."""
        px = self.model_px(shape.px)
        return self.builder(replace(shape, px=px))


@dataclass(frozen=True, kw_only=True)
class Split:
    """Samples and their labels, int64 (count,); NumPy, in host memory. `images` are uint8 (images, channels, px, px).

    A sample is an image; or where there are `members`, int64 (count, length), several: their places in `images`, -1
    behind the last. Where training should see other samples in each epoch, `drawn_anew` returns `members` and `labels`
    of as many others, by a seed.
    """

    images: np.ndarray
    labels: np.ndarray
    members: np.ndarray | None = None
    drawn_anew: Callable[[int], tuple[np.ndarray, np.ndarray]] | None = None


@dataclass(frozen=True, kw_only=True)
class Data:
    """The two parts of a task. The test part is only ever scored: it chooses nothing.

    `longer` is a second test part, of sequences longer than any for training. `settings` is what a record must say of
    these data besides their task: JSON values.
    """

    train: Split
    test: Split
    longer: Split | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of all images, members and labels: the same data, the same sum."""
        digest = hashlib.sha256()
        for split in filter(None, (self.train, self.test, self.longer)):
            for array in (split.images, split.labels, *([] if split.members is None else [split.members])):
                digest.update(f"{array.dtype} {array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


class Progress(Protocol):
    """Told how far long work has come."""

    def __call__(self, done: int, total: int, text: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file that can be downloaded, and what it unpacks to. Paths are relative to the data root; sums are MD5."""

    path: str
    md5: str
    urls: tuple[str, ...]
    unpacks_to: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, kw_only=True)
class Task:
    """A data set, how it is split and what is asked of it.

    `loader` is given the data root, below which files and caches lie, and whom to tell of long work. `files` is what
    must be there. `recipes` names the set of training recipes made for it: `digits`, `photos`. The training time to
    `target_accuracy` is reported where it is reached. `objective` names what is learnt, in `training.objectives`.
    `kind` is what one input is: an image, or several.
    """

    name: str
    shape: InputShape
    classes: tuple[str, ...]
    loader: Callable[[Path, Progress], Data]
    source: str
    recipes: str
    objective: str = "classification"
    kind: InputKind = "image"
    target_accuracy: float = 0.9
    files: tuple[RemoteFile, ...] = ()

    @property
    def input_words(self) -> str:
        """What one input is, for people: `1x28x28`, `up to 10 images of 1x28x28`."""
        shape = self.shape
        image = f"{shape.channels}x{shape.px}x{shape.px}"
        if shape.length is None:
            return image
        is_anchored = self.kind == "anchor and sequence of images"
        return f"{'an anchor and ' if is_anchored else ''}up to {shape.length - is_anchored} images of {image}"


ANY = "*"
"""Stands in a cell's name for what an architecture brings along."""

MADE_FOR = ("_deep_cnn", "_deep_vit", "_cnn", "_vit")
"""How the names of recipes end that are made for a kind of architecture in a set for all."""


def set_of(name: str) -> str:
    """Return the set that a recipe is of, `digits` of `digits_deep_cnn`; an empty string where it is of none."""
    return next((name.removesuffix(suffix) for suffix in MADE_FOR if name.endswith(suffix)), "")


def shared_name(name: str) -> str:
    """Return what the recipes of a set for all families are called together: `digits_deep_cnn` is of `digits_*`.

    A variant keeps what it changes; a recipe of no such set is `*`.
    """
    base, comma, changes = name.partition(",")
    return f"{set_of(base)}_{ANY}{comma}{changes}" if set_of(base) else ANY


@dataclass(frozen=True, kw_only=True)
class Case:
    """What one benchmark measures. Subclasses, in `vitcnn/questions/`, add the axes of their question.

    Fixed for all: TF32 off, channels_last for CNNs and hybrids, untrained weights called `random`. Every field that is
    an `int` is a whole number from 1.
    """

    question: ClassVar[str]

    architecture: str
    precision: Precision = "fp32"
    mode: Mode = "eager"
    preset: Preset = field(default="smoke", compare=False)
    time_tolerance: float = field(default=TIME_TOLERANCE, compare=False)

    def __post_init__(self) -> None:
        require_name("architecture", self.architecture)
        require_one_of("precision", self.precision, get_args(Precision))
        require_one_of("mode", self.mode, get_args(Mode))
        require_one_of("preset", self.preset, PRESETS)
        for name in sorted(entry.name for entry in fields(self) if entry.type in (int, "int")):
            require_count(name, getattr(self, name))
        require_share("time_tolerance", self.time_tolerance, "0.02 is 2 %.")

    @property
    def kinds(self) -> tuple[InputKind, ...]:
        """The kinds of input that the question can be asked about."""
        return ("image",)

    @property
    def input_px(self) -> int | None:
        """Pixels a side of what the model is given, or None where the task decides it."""
        return None

    def axes(self) -> tuple[str, ...]:
        """Return the parts of the id between the architecture and the precision."""
        raise NotImplementedError

    def __str__(self) -> str:
        return self._id(self.architecture, self.axes())

    def cell(self) -> str:
        """Return the id without the architecture: cases of one cell differ in it alone, and can be compared."""
        return self._id(ANY, self.axes())

    def _id(self, architecture: str, axes: tuple[str, ...]) -> str:
        return "/".join((self.question, architecture, *axes, self.precision, self.mode))


@dataclass(frozen=True, kw_only=True)
class TrainedCase(Case):
    """A case that trains its architecture on `task` by `recipe`, once for each seed."""

    task: str
    recipe: str
    num_seeds: int = NUM_SEEDS

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("task", "recipe"):
            require_name(name, getattr(self, name))

    def is_about(self, task: Task) -> bool:  # noqa: ARG002  # a question may need more than images and labels
        """Whether the question can be asked about a task of its kind of input."""
        return True

    def axes(self) -> tuple[str, ...]:
        seeds = () if self.num_seeds == NUM_SEEDS else (f"s{self.num_seeds}",)
        return (self.task, self.recipe, *seeds)

    def cell(self) -> str:
        """Return the id without the architecture and what of the recipe is made for its family."""
        return self._id(ANY, (self.axes()[0], shared_name(self.recipe), *self.axes()[2:]))


@dataclass(frozen=True, kw_only=True)
class AdaptableCase(Case):
    """A case of a model of which all trains, or as `adaptation` says: a name of `vitcnn.adaptations`."""

    adaptation: str = FULL

    def __post_init__(self) -> None:
        super().__post_init__()
        adaptation(self.adaptation)

    @property
    def adaptation_axis(self) -> tuple[str, ...]:
        """What the id says of the adaptation: nothing where all trains."""
        return () if self.adaptation == FULL else (self.adaptation,)


@dataclass(frozen=True, kw_only=True)
class BatchCase(Case):
    """A case on batches of real images of one resolution.

    Greyscale digits at 28 px, RGB photographs at any other resolution; ten classes.
    """

    px: int
    batch: int

    @property
    def input_px(self) -> int:
        return self.px

    def axes(self) -> tuple[str, ...]:
        return (str(self.px), f"b{self.batch}")
