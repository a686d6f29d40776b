"""Asks about sequences of images: how good is a model of sets, at which length, and on what does its answer depend?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vitcnn.input_sizes import OF_SEQUENCES, InputKind
from vitcnn.questions.question import Question
from vitcnn.report.plots.sequences import DRAWINGS
from vitcnn.report.sequences import columns, sequences
from vitcnn.spec import TrainedCase

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject


@dataclass(frozen=True, kw_only=True)
class SequenceCase(TrainedCase):
    """Test accuracy on sequences of images after training by `recipe`, by length, and on longer ones than trained on.

    Besides: how far an answer changes when the images change places, and when more empty places are appended.
    """

    question: ClassVar[str] = "sequences"

    @property
    def kinds(self) -> tuple[InputKind, ...]:
        return OF_SEQUENCES


def prepare(case: SequenceCase, bench: Bench) -> Subject:
    """Return the subject whose run trains one seed."""
    from vitcnn.bench.sequences import sequence_subject

    return sequence_subject(case, bench)


SEQUENCES = Question(
    name="sequences",
    case=SequenceCase,
    prepare=prepare,
    provides=frozenset(
        {"training times", "learning", "answers", "losses", "sequences", "throughput", "counts", "allocations"}
    ),
    place=35,
    told={"training_time_s": "trains"},
    columns=columns,
    section=sequences,
    drawings=DRAWINGS,
)
