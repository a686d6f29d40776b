"""The catalogue of metrics: one file a metric, one constant an entry, found by walking this package.

Nothing here imports torch before a metric is measured, so that reports can describe metrics without it.
"""

import sys
from functools import cache

from vitcnn import catalogue
from vitcnn.metrics.metric import Metric


@cache
def metrics() -> dict[str, Metric]:
    """Return the catalogue by name."""
    return catalogue.entries(sys.modules[__name__], Metric)


def is_time(name: str) -> bool:
    """Whether `name` is a metric of the catalogue that is judged as a time."""
    entry = metrics().get(name)
    return entry is not None and entry.rule == "time"


def metrics_of(question: str) -> list[Metric]:
    """Return the metrics that cases of one question report, by name."""
    return [metric for _, metric in sorted(metrics().items()) if question in metric.questions]
