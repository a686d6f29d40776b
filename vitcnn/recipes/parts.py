"""The parts of a training recipe as frozen values: augmentations, optimisers, schedule. Imports no torch.

Each part has its `kind` as a field, so that a recipe written as JSON still says what it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Literal, get_args

from vitcnn.errors import UserError

Fill = Literal["zeros", "reflect"]
Decay = Literal["cosine", "linear", "steps"]
TestTime = Literal["none", "flip", "flip_and_shift"]

RANDOM, HUB, OF_FILE = "random", "hub", "file:"
"""Weights to start from: random, the hub's, or a file's behind `file:`; a task's name means: trained here on it."""

WEIGHTS = "random, hub, file:PATH of a safetensors file, or the name of a task to train on first, such as glyphs62"
SHARES = "shares from 0 to 1"
SMALLEST_ALPHA = 0.01
"""Below it nearly all shares are 0 or 1, and the variates they are made of are too small for a float."""


def _require(part: object, name: str, is_allowed: bool, allowed: str) -> None:
    """Raise UserError where a setting of a part is not allowed."""
    if not is_allowed:
        field, value = f"{name} of {getattr(part, 'name', type(part).__name__)}", getattr(part, name)
        raise UserError(field=field, value=value, allowed=allowed, do="Correct it in the recipe.")


@dataclass(frozen=True, kw_only=True)
class Crop:
    """Cut the image out of one padded by `padding_px` on each side, at a place drawn for each image."""

    kind: Literal["crop"] = "crop"
    padding_px: int
    fill: Fill = "zeros"

    def __post_init__(self) -> None:
        _require(self, "padding_px", self.padding_px >= 0, "whole numbers from 0")
        _require(self, "fill", self.fill in get_args(Fill), ", ".join(get_args(Fill)))


@dataclass(frozen=True, kw_only=True)
class Flip:
    """Mirror each image left to right with probability `share`."""

    kind: Literal["flip"] = "flip"
    share: float = 0.5

    def __post_init__(self) -> None:
        _require(self, "share", 0 <= self.share <= 1, SHARES)


@dataclass(frozen=True, kw_only=True)
class AlternatingFlip:
    """Mirror each image in every other epoch; whether in the even or the odd ones is drawn once for each image.

    Source: Jordan, 94 % on CIFAR-10 in 3.29 seconds on a single GPU, arXiv 2404.00498, section 3.6.
    """

    kind: Literal["alternating_flip"] = "alternating_flip"


@dataclass(frozen=True, kw_only=True)
class Affine:
    """Turn, shear, scale and shift, drawn for each image: uniform in +- each bound, scale in 1 +- `scale`."""

    kind: Literal["affine"] = "affine"
    degrees: float = 0.0
    translate_px: float = 0.0
    scale: float = 0.0
    shear_degrees: float = 0.0

    def __post_init__(self) -> None:
        _require(self, "scale", 0 <= self.scale < 1, "shares from 0, below 1")


@dataclass(frozen=True, kw_only=True)
class Jitter:
    """Scale brightness, then contrast about the mean grey, by factors drawn in 1 +- each bound for each image."""

    kind: Literal["jitter"] = "jitter"
    brightness: float = 0.0
    contrast: float = 0.0

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast"):
            _require(self, name, 0 <= getattr(self, name) <= 1, SHARES)


@dataclass(frozen=True, kw_only=True)
class TrivialAugment:
    """One of 14 operations for each image, at one of 31 strengths: the wide space; black from outside.

    Source: Müller, Hutter, TrivialAugment, arXiv 2103.10158; torchvision's TrivialAugmentWide.
    """

    kind: Literal["trivial_augment"] = "trivial_augment"


@dataclass(frozen=True, kw_only=True)
class RandomErasing:
    """Set a rectangle to mid-grey with probability `share`; its area and aspect ratio are drawn in these bounds.

    `area` is a share of the image; `aspect`, height by width, is log-uniform. Where none of ten draws is smaller than
    the image, it stays whole. Source: Zhong et al., arXiv 1708.04896.
    """

    kind: Literal["random_erasing"] = "random_erasing"
    share: float
    area: tuple[float, float] = (0.02, 0.33)
    aspect: tuple[float, float] = (0.3, 3.3)

    def __post_init__(self) -> None:
        _require(self, "share", 0 <= self.share <= 1, SHARES)
        _require(self, "area", 0 < self.area[0] <= self.area[1] <= 1, "two shares of the image, the smaller one first")
        _require(self, "aspect", 0 < self.aspect[0] <= self.aspect[1], "two ratios above 0, the smaller one first")


@dataclass(frozen=True, kw_only=True)
class Mix:
    """Mix each image with another one of its block: MixUp with probability `mixup_share`, CutMix with `cutmix_share`.

    Each image draws its way, and its own share from Beta(alpha, alpha). The labels mix as the pixels do.
    Sources: Zhang et al., arXiv 1710.09412; Yun et al., arXiv 1905.04899.
    """

    kind: Literal["mix"] = "mix"
    mixup_share: float = 0.5
    mixup_alpha: float = 0.8
    cutmix_share: float = 0.5
    cutmix_alpha: float = 1.0

    def __post_init__(self) -> None:
        for name in ("mixup_share", "cutmix_share"):
            _require(self, name, 0 <= getattr(self, name) <= 1, SHARES)
        for name in ("mixup_alpha", "cutmix_alpha"):
            _require(self, name, getattr(self, name) >= SMALLEST_ALPHA, f"numbers from {SMALLEST_ALPHA}")
        both = self.mixup_share + self.cutmix_share
        if both > 1:
            do = "Each image is mixed in at most one way."
            raise UserError(field="mixup_share + cutmix_share", value=both, allowed=SHARES, do=do)


Augmentation = Crop | Flip | AlternatingFlip | Affine | Jitter | TrivialAugment | RandomErasing | Mix

STAGES: tuple[tuple[type, ...], ...] = (
    (Crop, Flip, AlternatingFlip, Jitter, TrivialAugment),
    (Affine, RandomErasing),
    (Mix,),
)
"""Augmentations of bytes come first, then those of normalised images, then those of images and labels."""


@dataclass(frozen=True, kw_only=True)
class AdamW:
    """AdamW, fused; biases and norms do not decay."""

    kind: Literal["adamw"] = "adamw"
    peak_learning_rate: float
    weight_decay: float
    betas: tuple[float, float] = (0.9, 0.999)


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adam, fused; the decay is part of the gradient, and biases and norms decay too, as torch.optim.Adam has it."""

    kind: Literal["adam"] = "adam"
    peak_learning_rate: float
    weight_decay: float
    betas: tuple[float, float] = (0.9, 0.999)


@dataclass(frozen=True, kw_only=True)
class Sgd:
    """SGD with momentum, fused; `decay_all` lets biases and norms decay too, as most CNN recipes have it."""

    kind: Literal["sgd"] = "sgd"
    peak_learning_rate: float
    weight_decay: float
    momentum: float = 0.9
    nesterov: bool = True
    decay_all: bool = True


@dataclass(frozen=True, kw_only=True)
class Muon:
    """Momentum, orthogonalised by Newton-Schulz steps, for filters and matrices; `rest` for all other parameters.

    What reads pixels and what returns logits belongs to `rest`, as do vectors. `keep_norm` scales each filter bank
    back to the norm sqrt(outputs) before each step, as the CIFAR-10 speed runs do. Source: Jordan et al., Muon, 2024.
    """

    kind: Literal["muon"] = "muon"
    peak_learning_rate: float
    momentum: float
    rest: AdamW | Sgd
    nesterov: bool = True
    newton_schulz_steps: int = 3
    keep_norm: bool = False
    weight_decay: float = 0.0


Optimizer = AdamW | Adam | Sgd | Muon

STEP_OPTIMIZER = AdamW(peak_learning_rate=1e-4, weight_decay=0.05)
"""Of a single step, for every architecture, so that steps compare architectures and not optimisers."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Training settings. The learning rate rises linearly, then decays to near zero; the last epoch counts.

    `warmup_share` is the share of all steps. The decay by `steps` divides the rate by ten at each of `steps_at`, shares
    of all steps. `augmentation` is applied in its order: bytes, then normalised images,
    then labels too (`STAGES`). `test_time` averages the logits over mirrored and shifted copies of a test image.
    `weights` are where training starts: random, the hub's, `file:PATH`, or the name of a task, on which the same
    architecture is trained first. `model_px` is the resolution that the model works at, where it is not the one that it
    would take for the task's images. Variants are made with `dataclasses.replace`.
    """

    name: str
    epochs: int
    batch: int
    optimizer: Optimizer
    warmup_share: float
    decay: Decay = "cosine"
    steps_at: tuple[float, ...] = ()
    label_smoothing: float = 0.0
    augmentation: tuple[Augmentation, ...] = ()
    test_time: TestTime = "none"
    weights: str = RANDOM
    model_px: int | None = None
    source: str

    def __post_init__(self) -> None:
        stages = [next(i for i, stage in enumerate(STAGES) if isinstance(part, stage)) for part in self.augmentation]
        if stages != sorted(stages):
            order = "; then ".join(", ".join(kind.__name__ for kind in stage) for stage in STAGES)
            value = ", ".join(type(part).__name__ for part in self.augmentation)
            raise UserError(field=f"augmentation of {self.name}", value=value, allowed=order, do="Put them in order.")
        whole = "whole numbers from 1"
        _require(self, "epochs", isinstance(self.epochs, int) and self.epochs >= 1, whole)
        _require(self, "batch", isinstance(self.batch, int) and self.batch >= 1, whole)
        _require(self, "warmup_share", 0 <= self.warmup_share <= 1, SHARES)
        _require(self, "steps_at", all(0 < share < 1 for share in self.steps_at), "shares above 0, below 1")
        is_sorted = list(self.steps_at) == sorted(self.steps_at) and bool(self.steps_at) == (self.decay == "steps")
        _require(self, "steps_at", is_sorted, "shares in order where decay is steps, none elsewhere")
        _require(self, "label_smoothing", 0 <= self.label_smoothing < 1, "shares from 0, below 1")
        _require(self, "peak_learning_rate", 0 < self.peak_learning_rate < inf, "numbers above 0")
        _require(self, "model_px", self.model_px is None or self.model_px >= 1, whole)
        _require(self, "weights", self.weights not in ("", OF_FILE), WEIGHTS)
        for name, allowed in (("decay", Decay), ("test_time", TestTime)):
            _require(self, name, getattr(self, name) in get_args(allowed), ", ".join(get_args(allowed)))

    @property
    def peak_learning_rate(self) -> float:
        """The optimiser's highest learning rate."""
        return self.optimizer.peak_learning_rate


def at_rate(recipe: Recipe, peak_learning_rate: float, *, name: str | None = None) -> Recipe:
    """Return `recipe` with another peak learning rate, and another name where one is given."""
    optimizer = replace(recipe.optimizer, peak_learning_rate=peak_learning_rate)
    return replace(recipe, name=name or recipe.name, optimizer=optimizer)
