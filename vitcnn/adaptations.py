"""What of a pretrained model trains, as frozen values: everything, the head, or low-rank updates (LoRA).

A case names its adaptation in one form, which its id shows: `full`, `head`, `head_views5`, `lora16_qv`,
`lora16_qv_alpha16`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from vitcnn.errors import UserError

Targets = Literal["qv", "qkv", "linear", "conv"]

TARGETS: dict[Targets, str] = {
    "qv": "query and value projections of every attention block (of a fused qkv layer its first and last third)",
    "qkv": "query, key and value projections of every attention block",
    "linear": "every linear layer but the head",
    "conv": "every convolution of one group, and every linear layer but the head",
}
"""What LoRA can be applied to."""

RANKS = (1, 2, 4, 8, 16, 32, 64)
"""Ranks of the sweep in the full preset."""


@dataclass(frozen=True, kw_only=True)
class Full:
    """Every weight trains."""

    kind: Literal["full"] = "full"

    def __str__(self) -> str:
        return "full"


@dataclass(frozen=True, kw_only=True)
class Head:
    """The last linear layer alone trains, on features that the frozen rest computes once.

    Of one view the images are taken as they are. Of several, each image is augmented so many times by the recipe, and
    epoch i trains on view i modulo `views`.
    """

    kind: Literal["head"] = "head"
    views: int = 1

    def __str__(self) -> str:
        return "head" if self.views == 1 else f"head_views{self.views}"


@dataclass(frozen=True, kw_only=True)
class Lora:
    """The head trains, and beside frozen weights W the factors of an update: W + alpha / rank * B A.

    A is (rank, inputs), drawn; B is (outputs, rank) and starts at 0. Query and value have factors of their own each. A
    layer that is narrower than the rank has its own width as the rank, and the same alpha / rank.
    Source: Hu et al., LoRA, arXiv 2106.09685.
    """

    kind: Literal["lora"] = "lora"
    rank: int
    targets: Targets
    alpha: int

    @property
    def scale(self) -> float:
        """What the update is multiplied by."""
        return self.alpha / self.rank

    def __str__(self) -> str:
        alpha = "" if self.alpha == 2 * self.rank else f"_alpha{self.alpha}"
        return f"lora{self.rank}_{self.targets}{alpha}"


Adaptation = Full | Head | Lora

FULL = str(Full())

FORMS = (
    "full, head, head_viewsK of K augmented views, or loraR_TARGETS of rank R, such as lora16_qv "
    f"(targets: {', '.join(TARGETS)}; alpha is 2R, or is appended: lora16_qv_alpha16)"
)

_HEAD = re.compile(r"head(?:_views([1-9]\d{0,3}))?")
_LORA = re.compile(rf"lora([1-9]\d{{0,4}})_({'|'.join(get_args(Targets))})(?:_alpha([1-9]\d{{0,5}}))?")


def adaptation(name: str, field: str = "adaptation") -> Adaptation:
    """Return the adaptation of `name`; UserError, which names `field`, where there is none of that form."""
    found: Adaptation | None = None
    if name == FULL:
        found = Full()
    elif match := _HEAD.fullmatch(str(name)):
        found = Head(views=int(match[1] or 1))
    elif match := _LORA.fullmatch(str(name)):
        rank = int(match[1])
        targets = next(targets for targets in TARGETS if targets == match[2])
        found = Lora(rank=rank, targets=targets, alpha=int(match[3] or 2 * rank))
    if found is None:
        raise UserError(field=field, value=name, allowed=FORMS, do="Correct the name.")
    if str(found) != name:
        raise UserError(field=field, value=name, allowed=str(found), do=f"Write {found}: each adaptation has one name.")
    return found
