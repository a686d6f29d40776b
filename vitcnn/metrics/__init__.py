"""Collects the catalogue of metrics: each metric is a constant in this package, which is found automatically.

Metrics that read the same thing share a file.

Nothing here imports torch before a metric is measured, so that reports can describe metrics without it.
"""

import sys
from functools import cache

from vitcnn import catalogue
from vitcnn.metrics.metric import CLOCKS, Metric


@cache
def metrics() -> dict[str, Metric]:
    """Return the catalogue by name."""
    return catalogue.entries(sys.modules[__name__], Metric)


def is_time(name: str) -> bool:
    """Whether `name` is a metric of the catalogue that is judged as a time."""
    entry = metrics().get(name)
    return entry is not None and entry.rule == "time"


def is_of_the_clock(name: str) -> bool:
    """Whether `name` is a metric of the catalogue that is the wall clock's time of a run, or of an image in it."""
    entry = metrics().get(name)
    return entry is not None and entry.measure in CLOCKS
