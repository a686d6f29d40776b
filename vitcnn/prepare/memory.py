"""Memory: one forward or one training step, run once by the clock and once for each memory metric."""

from vitcnn.bench import Bench
from vitcnn.bench.models import inference_subject, training_subject
from vitcnn.bench.rounds import Rounds
from vitcnn.bench.subject import Subject
from vitcnn.spec import MemoryCase

ONCE = Rounds(at_least=1, at_most=1, budget_s=0.0)
SUBJECTS = {"inference": inference_subject, "training": training_subject}


def prepare_memory(case: MemoryCase, bench: Bench) -> Subject:
    """Return the subject of a memory case."""
    return SUBJECTS[case.phase](case, bench.device, ONCE)
