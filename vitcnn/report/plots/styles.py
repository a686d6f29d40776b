"""Chooses how the line of a case looks: its colour by the architecture, the same in every picture of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from vitcnn.record import Record
from vitcnn.report.plots.records import labels

LINES = {"cnn": "-", "vit": "--", "hybrid": ":", "other": "-."}

MARKERS = ".x+*vs^D<p>h1234"
"""Of the first, the second ... line of one architecture: a picture of more begins again."""

FEW_COLOURS, MANY_COLOURS = "tab10", "tab20"
ANY_NUMBER = "turbo"
"""For more architectures than the other two have colours: neighbours are then hard to tell apart."""

LEGEND_TITLE = "colour: architecture\nline: family"


def colours_of(records: Sequence[Record]) -> dict[str, Any]:
    """Return the colour of each architecture that is trained in a run, by all `records` of the run.

    They go by the architectures' names, so that every picture of the run has the same.
    """
    import matplotlib

    names = sorted({record.architecture for record in records if record.series})
    for palette in (matplotlib.colormaps[FEW_COLOURS], matplotlib.colormaps[MANY_COLOURS]):
        if len(names) <= palette.N:
            return dict(zip(names, palette(range(len(names))), strict=True))
    return dict(zip(names, matplotlib.colormaps[ANY_NUMBER](np.linspace(0, 1, len(names))), strict=True))


def styles(shown: Sequence[Record], records: Sequence[Record]) -> dict[str, dict[str, Any]]:
    """Return how the line of each case that is `shown` looks, in one of the pictures of a run that holds `records`.

    Its colour stands for the architecture. The line is solid for CNNs, dashed for ViTs, dotted for hybrids. Where an
    architecture has several lines, markers tell them apart; the label says in what they differ.
    """
    colours, before = colours_of(records), Counter[str]()
    found = {}
    for record, label in zip(shown, labels(shown), strict=True):
        found[record.case] = {
            "label": f"{label} ({record.family})",
            "color": tuple(colours[record.architecture]),
            "linestyle": LINES[record.family],
            "marker": MARKERS[before[record.architecture] % len(MARKERS)],
        }
        before[record.architecture] += 1
    return found
