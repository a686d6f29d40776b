"""Latency: one forward in inference mode."""

from vitcnn.device import Device
from vitcnn.prepare.batches import inference_subject
from vitcnn.spec import LatencyCase
from vitcnn.subject import Progress, Subject


def prepare_latency(case: LatencyCase, device: Device, _progress: Progress) -> Subject:
    """Return the subject of a latency case."""
    return inference_subject(case, device)
