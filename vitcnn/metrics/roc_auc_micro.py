"""Area under the ROC curve of all decisions for or against a class taken together, 0..1; one sample a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.by_class import roc_auc
from vitcnn.metrics.metric import Metric, one_percent

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject


def measure(subject: Subject) -> Sequence[float]:
    """Return each seed's area; none where a class has no test image."""
    assert subject.trained is not None
    return roc_auc(subject.trained(), "micro")


ROC_AUC_MICRO = Metric(
    name="roc_auc_micro",
    unit="1",
    better="higher",
    tolerance=one_percent,
    rule="unjudged",
    questions=("accuracy", "data_efficiency"),
    measure=measure,
)
