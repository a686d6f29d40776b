"""Training throughput: one training step on a batch that is on the device."""

from vitcnn.device import Device
from vitcnn.prepare.batches import training_subject
from vitcnn.spec import TrainingCase
from vitcnn.subject import Progress, Subject


def prepare_training(case: TrainingCase, device: Device, _progress: Progress) -> Subject:
    """Return the subject of a training-step case."""
    return training_subject(case, device)
