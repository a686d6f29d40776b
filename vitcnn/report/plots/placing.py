"""Places names beside points, so that they overlap as little as possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

PLACES = (
    (7, 7, "left", "bottom"),
    (7, -7, "left", "top"),
    (-7, 7, "right", "bottom"),
    (-7, -7, "right", "top"),
    (7, 20, "left", "bottom"),
    (7, -20, "left", "top"),
    (-7, 20, "right", "bottom"),
    (-7, -20, "right", "top"),
)
"""Where a name may stand beside its point, the best first: points right and up, and its own corner that is there."""

MARKER_PT = 5
"""Half a marker's width: no name may cover another point."""

HALO_PT = 2
"""Width of the white edge of a name, that keeps it legible on bars and lines."""


@dataclass(frozen=True, kw_only=True)
class Name:
    """What is written beside the point (x, y), in its colour."""

    text: str
    colour: Any
    x: float
    y: float
    is_bold: bool


def place_names(figure: Figure, axes: Axes, names: Sequence[Name]) -> None:
    """Write the names, the bold ones first, each where it covers the least of the points and of earlier names."""
    figure.draw_without_rendering()  # settles where the axes are
    taken = [marker_box(axes, name) for name in names]
    for name in sorted(names, key=lambda name: not name.is_bold):
        boxes = {place: box_of(axes, name, place) for place in PLACES}
        best = min(PLACES, key=lambda place: covered(boxes[place], taken, axes.bbox))
        written(axes, name, best)
        taken.append(boxes[best])


def written(axes: Axes, name: Name, place: tuple[float, float, str, str]) -> Annotation:
    """Write a name at one of the places beside its point."""
    from matplotlib.patheffects import withStroke

    right, up, horizontal, vertical = place
    return axes.annotate(
        name.text,
        (name.x, name.y),
        xytext=(right, up),
        textcoords="offset points",
        ha=horizontal,
        va=vertical,
        fontsize="small",
        color=name.colour,
        fontweight="bold" if name.is_bold else "normal",
        path_effects=[withStroke(linewidth=HALO_PT, foreground="white")],
        in_layout=False,
    )


def box_of(axes: Axes, name: Name, place: tuple[float, float, str, str]) -> Bbox:
    """Return the box in pixels that a name would fill at one of its places."""
    text = written(axes, name, place)
    box = text.get_window_extent()
    text.remove()
    return box


def marker_box(axes: Axes, name: Name) -> Bbox:
    """Return the box in pixels that a point fills."""
    from matplotlib.transforms import Bbox

    x, y = axes.transData.transform((name.x, name.y))
    half = MARKER_PT / 72 * axes.figure.dpi
    return Bbox.from_extents(x - half, y - half, x + half, y + half)


def covered(box: Bbox, taken: Sequence[Bbox], inside: Bbox) -> float:
    """Return how much of what is `taken` a box covers, and how much of it lies not `inside`, in square pixels."""
    outside = area(box) - shared_area(box, inside)
    return outside + sum(shared_area(box, other) for other in taken)


def shared_area(one: Bbox, other: Bbox) -> float:
    """Return the area of what two boxes share."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(width, 0.0) * max(height, 0.0)


def area(box: Bbox) -> float:
    """Return the area of a box."""
    return float(box.width * box.height)
