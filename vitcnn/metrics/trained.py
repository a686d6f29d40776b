"""Defines the metrics of trained models: how good their answers on the test part are, and after how much training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from vitcnn.metrics.metric import Metric, Rule, of_time, one_percent

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject, Trained

Samples = Sequence[float]


def of_trained(measure: Callable[[Trained], Samples]) -> Callable[[Subject], Samples]:
    """Return what reads a subject by what its seeds came to."""

    def read(subject: Subject) -> Samples:
        assert subject.trained is not None, "a question that provides trained models has an outcome"
        return measure(subject.trained)

    return read


def test_accuracy(trained: Trained) -> Samples:
    """Return the mean score of each seed's answers."""
    return [float(scores.mean()) for scores in trained.scores]


def best_epoch_accuracy(trained: Trained) -> Samples:
    """Return each seed's highest accuracy."""
    best: list[float] = trained.accuracies.max(axis=1).tolist()
    return best


def f1_weighted(trained: Trained) -> Samples:
    """Return each seed's F1 score of each class, averaged by how many test images are of it; none of sums."""
    if not trained.has_classes:
        return ()
    from sklearn.metrics import f1_score

    return [
        float(f1_score(trained.labels, predictions, average="weighted", zero_division=0.0))
        for predictions in trained.predictions
    ]


def roc_auc(average: Literal["macro", "micro"]) -> Callable[[Trained], Samples]:
    """Return what measures the area under each seed's ROC curve, averaged over classes or decisions."""

    def measure(trained: Trained) -> Samples:
        from vitcnn.bench import by_class

        return by_class.roc_auc(trained, average)

    return measure


def time_to_accuracy_s(trained: Trained) -> Samples:
    """Return each seed's seconds until the first tested epoch that reaches the target; none unless every seed did."""
    has_reached = trained.accuracies >= trained.target_accuracy
    if not has_reached.any(axis=1).all():
        return ()
    first = has_reached.argmax(axis=1)
    seconds: list[float] = trained.ends_s[np.arange(len(first)), first].tolist()
    return seconds


def finding(name: str) -> Callable[[Trained], Samples]:
    """Return what returns a number that was asked of each seed besides; none where it does not apply."""
    return lambda trained: trained.findings[name].tolist() if name in trained.findings else ()


def score(name: str, reads: str, measure: Callable[[Trained], Samples], rule: Rule = "unjudged") -> Metric:
    """Return the metric of a score from 0 to 1, one sample a seed."""
    return Metric(
        name=name,
        unit="1",
        better="higher",
        tolerance=one_percent,
        rule=rule,
        reads=reads,
        measure=of_trained(measure),
    )


def time(name: str, reads: str, measure: Callable[[Trained], Samples]) -> Metric:
    """Return the metric of a time that is not judged."""
    return Metric(
        name=name,
        unit="s",
        better="lower",
        tolerance=of_time,
        rule="unjudged",
        reads=reads,
        measure=of_trained(measure),
    )


TEST_ACCURACY = score("test_accuracy", "answers", test_accuracy, rule="score")
"""Share of the test images that the last epoch's model classifies right."""

F1_WEIGHTED = score("f1_weighted", "answers", f1_weighted)
"""F1 score of each class, averaged by how many test images are of it; last epoch."""

ROC_AUC_MACRO = score("roc_auc_macro", "answers", roc_auc("macro"))
"""Area under the ROC curve of each class against the rest, averaged over the classes; none where a class has no test
image."""

ROC_AUC_MICRO = score("roc_auc_micro", "answers", roc_auc("micro"))
"""Area under the ROC curve of all decisions for or against a class taken together; none where a class has no test
image."""

FIRST_CALL_TIME_S = time("first_call_time_s", "answers", lambda trained: [trained.warm_up_s])
"""Seconds to build, train and ask a throw-away model on two batches, before the first seed.

That is what training_time_s leaves out: compilation, the search for algorithms, first calls.
"""

BEST_EPOCH_ACCURACY = score("best_epoch_accuracy", "learning", best_epoch_accuracy)
"""Test accuracy of each seed's best tested epoch: no estimate of anything, since the test part chose the epoch.

Papers often report it: it stands beside test_accuracy, the last epoch's, so that both can be compared with theirs.
"""

TIME_TO_ACCURACY_S = time("time_to_accuracy_s", "learning", time_to_accuracy_s)
"""Seconds of training until the end of the first tested epoch that reaches the task's target accuracy.

The target is settings["target_accuracy"]; the last epochs, trained after it, change nothing here. The learning rate is
still high then: a recipe made for the target alone would be there sooner.
"""
