"""Scales axes of times and sizes: from zero, or logarithmic if the values lie far apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE_RATIO = 10
"""Values so far apart are shown on a logarithmic axis."""

VERY_WIDE_RATIO = 1000
"""From here on the axis names the powers of ten alone."""


def scale_horizontal(axes: Axes, smallest: float, largest: float) -> None:
    """Let the horizontal axis begin at zero; a logarithmic one where `largest` is many times `smallest`."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    if largest <= WIDE_RATIO * smallest:
        axes.set_xlim(left=0)
        return
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if largest < VERY_WIDE_RATIO * smallest else (1,)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
