"""Latency: one forward in inference mode."""

from vitcnn.bench import Bench
from vitcnn.bench.models import inference_subject
from vitcnn.bench.subject import Subject
from vitcnn.spec import LatencyCase


def prepare_latency(case: LatencyCase, bench: Bench) -> Subject:
    """Return the subject of a latency case."""
    return inference_subject(case, bench.device)
