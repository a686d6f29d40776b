"""Asks for accuracy: how good is an architecture after short training, and how long does the training take?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vitcnn.questions.question import Question
from vitcnn.record import Record
from vitcnn.report.columns import Column, accuracy_text, time_text
from vitcnn.report.plots.accuracy_against_cost import AGAINST
from vitcnn.report.plots.confusion import confusion_matrices
from vitcnn.report.plots.curves import accuracy_curves, learning_curves
from vitcnn.spec import TrainedCase

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject


@dataclass(frozen=True, kw_only=True)
class AccuracyCase(TrainedCase):
    """Test accuracy after training by `recipe`, and the training time; one run for each seed."""

    question: ClassVar[str] = "accuracy"


def prepare(case: AccuracyCase, bench: Bench) -> Subject:
    """Return the subject whose run trains one seed."""
    from vitcnn.bench.seed_rounds import trained_subject
    from vitcnn.bench.setup import setup_of

    return trained_subject(setup_of(case, bench, tests_every_epoch=True), bench)


def columns(records: Sequence[Record]) -> list[Column]:
    """Return the accuracy on each task, then the training time, then the time to its target, where it was reached."""
    tasks = sorted({record.settings["task"] for record in records if record.settings["question"] == "accuracy"})
    accuracies = [
        Column(f"accuracy\n{task}\n% [95 %]", "accuracy", "test_accuracy", accuracy_text, {"task": task})
        for task in tasks
    ]
    times = [Column(f"training\n{task}\ns", "accuracy", "training_time_s", time_text, {"task": task}) for task in tasks]
    to_target = [
        Column(f"to {100 * target:g} %\n{task}\ns", "accuracy", "time_to_accuracy_s", time_text, {"task": task})
        for task, target in targets(records).items()
    ]
    return [*accuracies, *times, *to_target]


def targets(records: Sequence[Record]) -> dict[str, float]:
    """Return the target accuracy of each task on which all seeds of a case reached it."""
    reached = (record for record in records if record.samples("time_to_accuracy_s"))
    return dict(sorted((record.settings["task"], record.settings["target_accuracy"]) for record in reached))


ACCURACY = Question(
    name="accuracy",
    case=AccuracyCase,
    prepare=prepare,
    provides=frozenset({"training times", "learning", "answers", "throughput", "arithmetic", "counts", "allocations"}),
    place=10,
    columns=columns,
    told={"training_time_s": "trains"},
    drawings={"accuracy": accuracy_curves, "learning": learning_curves, "confusion": confusion_matrices, **AGAINST},
)
