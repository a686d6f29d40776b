"""Asks for robustness: how much of its accuracy does a model keep on corrupted test images?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vitcnn.questions.question import Question
from vitcnn.report.plots.curves import robustness_curves
from vitcnn.report.robustness import robustness
from vitcnn.spec import TrainedCase

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject


@dataclass(frozen=True, kw_only=True)
class RobustnessCase(TrainedCase):
    """Test accuracy under corruption of the test images, at five severities each, after training by `recipe`."""

    question: ClassVar[str] = "robustness"


def prepare(case: RobustnessCase, bench: Bench) -> Subject:
    """Return the subject whose run asks one trained seed about the corrupted test images."""
    from vitcnn.bench.corrupted import corrupted_test

    return corrupted_test(case, bench)


ROBUSTNESS = Question(
    name="robustness",
    case=RobustnessCase,
    prepare=prepare,
    provides=frozenset({"answers under shift", "counts", "allocations"}),
    place=30,
    section=robustness,
    drawings={"robustness": robustness_curves},
)
