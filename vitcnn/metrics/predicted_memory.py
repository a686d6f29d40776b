"""Defines the metrics of the memory that a run will take on CUDA at its peak, predicted on any machine.

The gate judges the peak. Its parts say where it comes from: they are those of the one moment at which the most memory
is in use, so that a better peak may well have a part that is larger.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, Rule, exact, one_percent

if TYPE_CHECKING:
    from vitcnn.bench.lifetimes import Peak
    from vitcnn.bench.subject import Subject


def of_peak(read: Callable[[Peak], int]) -> Callable[[Subject], Sequence[float]]:
    """Return what reads a number of the predicted peak; none of a compiled run, or where it cannot be predicted."""

    def measure(subject: Subject) -> Sequence[float]:
        found = subject.predicted() if subject.predicted else None
        return () if found is None else [read(found)]

    return measure


def predicted(name: str, read: Callable[[Peak], int], *, rule: Rule = "unjudged") -> Metric:
    """Return the metric of the predicted peak or of one of its parts."""
    return Metric(
        name=f"predicted_{name}_bytes",
        unit="B",
        better="lower",
        tolerance=exact if rule == "counted" else one_percent,
        rule=rule,
        reads="predicted memory",
        measure=of_peak(read),
    )


PREDICTED_PEAK_BYTES = predicted("peak", lambda peak: peak.total, rule="counted")
"""The bytes of all tensors that are alive at the peak, each rounded up as CUDA's caching allocator does."""

PREDICTED_WEIGHTS_BYTES = predicted("weights", lambda peak: peak.weights)
"""Of these the model's parameters and buffers."""

PREDICTED_GRADIENT_BYTES = predicted("gradient", lambda peak: peak.gradients)
"""Of these the gradients that there are at this moment."""

PREDICTED_OPTIMIZER_BYTES = predicted("optimizer", lambda peak: peak.optimizer)
"""Of these what the optimiser keeps from one step to the next."""

PREDICTED_ACTIVATION_BYTES = predicted("activation", lambda peak: peak.activations)
"""Of these what the forward leaves for the backward, copies of the weights in bf16 included."""

PREDICTED_INPUT_BYTES = predicted("input", lambda peak: peak.inputs)
"""Of these the batch: images and labels."""

PREDICTED_TEMPORARY_BYTES = predicted("temporary", lambda peak: peak.temporary)
"""Of these all other: results of operators in use at this moment."""
