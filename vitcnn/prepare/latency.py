"""Latency: one forward in inference mode."""

from vitcnn.bench import Bench
from vitcnn.prepare.batches import inference_subject
from vitcnn.spec import LatencyCase
from vitcnn.subject import Subject


def prepare_latency(case: LatencyCase, bench: Bench) -> Subject:
    """Return the subject of a latency case."""
    return inference_subject(case, bench.device)
