"""Asks for adaptation: how good is a pretrained model once all of it, its head or LoRA was trained, at what cost?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vitcnn.fields import require_count
from vitcnn.questions.question import Question
from vitcnn.report.adaptation import adaptation
from vitcnn.report.plots.adaptation import DRAWINGS
from vitcnn.spec import AdaptableCase, TrainedCase

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject


@dataclass(frozen=True, kw_only=True)
class AdaptationCase(TrainedCase, AdaptableCase):
    """Test accuracy after training what `adaptation` names of a pretrained model by `recipe`, and what that takes.

    On all training images, or on `num_train` of them: each seed draws its own, the same for every architecture.
    """

    question: ClassVar[str] = "adaptation"

    num_train: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_train is not None:
            require_count("num_train", self.num_train)

    def axes(self) -> tuple[str, ...]:
        few = () if self.num_train is None else (f"n{self.num_train}",)
        return (*super().axes(), *self.adaptation_axis, *few)


def prepare(case: AdaptationCase, bench: Bench) -> Subject:
    """Return the subject whose run trains one seed."""
    from vitcnn.bench.few import few_images_subject
    from vitcnn.bench.seed_rounds import trained_subject
    from vitcnn.bench.series import of_roc_curves
    from vitcnn.bench.setup import setup_of

    if case.num_train is not None:
        return few_images_subject(case, bench, case.num_train, more_series=of_roc_curves)
    return trained_subject(setup_of(case, bench, tests_every_epoch=True), bench, more_series=of_roc_curves)


ADAPTATION = Question(
    name="adaptation",
    case=AdaptationCase,
    prepare=prepare,
    provides=frozenset(
        {
            "training times",
            "learning",
            "answers",
            "throughput",
            "arithmetic",
            "counts",
            "allocations",
            "training memory",
        }
    ),
    place=25,
    section=adaptation,
    drawings=DRAWINGS,
)
