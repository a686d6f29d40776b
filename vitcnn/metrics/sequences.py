"""Defines the metrics of models of sequences, one sample for each seed: losses, longer sequences, order, padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, one_percent
from vitcnn.metrics.trained import finding, of_trained, score

if TYPE_CHECKING:
    from vitcnn.bench.subject import Trained


def loss_of(*, has_classes: bool) -> Callable[[Trained], Sequence[float]]:
    """Return what returns each seed's mean loss on the test part; none where the task has another loss."""
    return lambda trained: trained.losses.tolist() if trained.has_classes == has_classes else ()


def longer_accuracy(trained: Trained) -> Sequence[float]:
    """Return the share of the longer sequences that each seed answers right; none where the model takes none."""
    if "longer" not in trained.findings:
        return ()
    shares: list[float] = trained.findings["longer"].mean(axis=1).tolist()
    return shares


def lower_is_better(name: str, unit: str, reads: str, measure: Callable[[Trained], Sequence[float]]) -> Metric:
    """Return the metric of a number that is not judged, and of which less is better."""
    return Metric(
        name=name,
        unit=unit,
        better="lower",
        tolerance=one_percent,
        rule="unjudged",
        reads=reads,
        measure=of_trained(measure),
    )


TEST_CROSS_ENTROPY = lower_is_better("test_cross_entropy", "nat", "losses", loss_of(has_classes=True))
"""Mean cross-entropy of the last epoch's model on the test part; none where sums are learnt."""

TEST_SQUARED_ERROR = lower_is_better("test_squared_error", "digit²", "losses", loss_of(has_classes=False))
"""Mean squared error of the last epoch's model on the test part, where sums of digits are learnt."""

LONGER_ACCURACY = score("longer_accuracy", "sequences", longer_accuracy, rule="score")
"""Share of the test sequences of 11 to 20 images that the last epoch's model answers right.

It was trained on sequences of at most ten. None where a model takes none that are longer than it is built for.
"""

ORDER_DEPENDENCE = lower_is_better("order_dependence", "1", "sequences", finding("order"))
"""Largest change of an answer, as a share of its range, when the images change places, in fp32.

A model of sets has none but rounding.
"""

PADDING_DEPENDENCE = lower_is_better("padding_dependence", "1", "sequences", finding("padding"))
"""Largest change of an answer, as a share of its range, when ten empty places are appended, in fp32.

What depends on the padding depends on which other sequences are in the batch. None where a model takes no more places
than it is built for.
"""
