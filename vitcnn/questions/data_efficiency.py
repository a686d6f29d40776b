"""Asks for data efficiency: how good is an architecture after training on few images?

Each seed draws its own images, the same for every architecture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vitcnn.questions.question import Question
from vitcnn.report.data_efficiency import data_efficiency
from vitcnn.report.plots.curves import data_efficiency_curves
from vitcnn.spec import TrainedCase

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject


@dataclass(frozen=True, kw_only=True)
class DataEfficiencyCase(TrainedCase):
    """Test accuracy after training by `recipe` on `num_train` images alone, for a shorter time.

    Each seed draws its own images, as many of each class as there can be; every architecture sees the same.
    """

    question: ClassVar[str] = "data_efficiency"

    num_train: int

    def axes(self) -> tuple[str, ...]:
        return (*super().axes(), f"n{self.num_train}")


def prepare(case: DataEfficiencyCase, bench: Bench) -> Subject:
    """Return the subject whose run trains one seed on few images; TooFewImages where there are not as many.

    Only the last epoch is tested: few images make many epochs.
    """
    from vitcnn.bench.few import few_images_subject

    return few_images_subject(case, bench, case.num_train)


DATA_EFFICIENCY = Question(
    name="data_efficiency",
    case=DataEfficiencyCase,
    prepare=prepare,
    provides=frozenset({"answers", "throughput", "arithmetic", "counts", "allocations"}),
    place=20,
    section=data_efficiency,
    drawings={"data-efficiency": data_efficiency_curves},
)
