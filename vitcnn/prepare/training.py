"""Training throughput: one training step on a batch that is on the device."""

from vitcnn.bench import Bench
from vitcnn.prepare.batches import training_subject
from vitcnn.spec import TrainingCase
from vitcnn.subject import Subject


def prepare_training(case: TrainingCase, bench: Bench) -> Subject:
    """Return the subject of a training-step case."""
    return training_subject(case, bench.device)
