"""What `vitcnn fit-batch` says: the batch, where the memory goes, and what would make room."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tabulate import tabulate

from vitcnn.adaptations import FULL
from vitcnn.errors import UserError
from vitcnn.quantity import quantity

if TYPE_CHECKING:
    from vitcnn.bench.lifetimes import Peak
    from vitcnn.bench.predicted_memory import Asked

NOT_IN_IT = (
    "Not in it: CUDA's context and kernels (0.3 to 0.6 GB) and workspaces of cuDNN and cuBLAS. "
    "Leave room for them, or give a budget that is smaller than the card."
)

WIDTH = 100


@dataclass(frozen=True, kw_only=True)
class Found:
    """The largest batch that is predicted to fit, `asked.batch`, with its peak and the bytes of one image more.

    `room` is about how large a batch would fit with other options. `confirmed` is what ran on CUDA, 0 where nothing
    did, and None where nothing was tried.
    """

    asked: Asked
    budget: str
    memory_bytes: int
    peak: Peak
    next_bytes: int
    room: Mapping[str, int]
    confirmed: int | None


def answer(found: Found) -> str:
    """Return what is printed."""
    asked = found.asked
    left, each = found.memory_bytes - found.peak.total, found.next_bytes - found.peak.total
    lines = [
        f"{asked.architecture.name} {does(asked)} {images(asked.batch)} of {asked.shape.px} px at once "
        f"within {found.budget} ({settings(asked)}).",
        "",
        f"Predicted for CUDA, of {quantity(found.memory_bytes, 'B')}:",
        parts(found.peak),
        "",
        f"{quantity(left, 'B')} of the budget is left; one image more would take {quantity(each, 'B')}.",
        confirmation(found),
        textwrap.fill(NOT_IN_IT, WIDTH),
    ]
    if found.room:
        rows = [(option, f"about {images(batch)}") for option, batch in found.room.items()]
        lines += ["", "What would make room, within the same budget:", tabulate(rows, tablefmt="plain")]
    return "\n".join(lines)


def images(number: int) -> str:
    """Show how many images: `1 image`, `1,024 images`."""
    return f"{number:,} image{'' if number == 1 else 's'}"


def does(asked: Asked) -> str:
    """Return what it does with its images."""
    return "answers" if asked.optimizer is None else "trains on"


def settings(asked: Asked) -> str:
    """Return what was asked, in a few words."""
    classes = f"{asked.shape.num_classes:,} classes"
    if asked.optimizer is None:
        return ", ".join([asked.precision, *([] if asked.adaptation == FULL else [asked.adaptation]), classes])
    checkpointing = ["checkpointing"] if asked.checkpointing else []
    return ", ".join([asked.precision, asked.adaptation, asked.optimizer.kind, *checkpointing, classes])


def parts(peak: Peak) -> str:
    """Return a row for each part that takes anything, and the sum."""
    named = {
        "weights": peak.weights,
        "gradients": peak.gradients,
        "optimiser": peak.optimizer,
        "activations kept for backward": peak.activations,
        "inputs": peak.inputs,
        "temporary": peak.temporary,
        "all": peak.total,
    }
    rows = [
        (f"  {name}", quantity(size, "B"), f"{100 * size / peak.total:.0f} %") for name, size in named.items() if size
    ]
    return tabulate(rows, tablefmt="plain", colalign=("left", "right", "right"), preserve_whitespace=True)


def confirmation(found: Found) -> str:
    """Return what came of trying it."""
    if found.confirmed is None:
        return "No GPU was asked: this is predicted alone."
    if found.confirmed == 0:
        return "On this GPU not even one image fits: other programs may use its memory."
    difference = found.confirmed - found.asked.batch
    beside = "as predicted" if not difference else f"{abs(difference):,} {'more' if difference > 0 else 'fewer'}"
    return f"Confirmed on this GPU: {images(found.confirmed)} run within the budget, {beside}."


def no_room(asked: Asked, budget: str, batch: int, peak: Peak) -> UserError:
    """Return the error of a budget that is too small for one image, or for the weights alone."""
    name, does_it = asked.architecture.name, does(asked)
    needs = f"at least {quantity(peak.total, 'B')}, with which {name} {does_it} {images(batch)}"
    do = f"Its weights alone take {quantity(peak.weights, 'B')}. Give it more memory, or choose a smaller architecture."
    return UserError(field="--memory", value=budget, allowed=needs, do=do)
