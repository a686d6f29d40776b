"""Training throughput: one training step on a batch that is on the device."""

from vitcnn.bench import Bench
from vitcnn.bench.models import training_subject
from vitcnn.bench.subject import Subject
from vitcnn.spec import TrainingCase


def prepare_training(case: TrainingCase, bench: Bench) -> Subject:
    """Return the subject of a training-step case."""
    return training_subject(case, bench.device)
