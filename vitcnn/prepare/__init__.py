"""From a case to its subject: one file a question, one entry here."""

from __future__ import annotations

from collections.abc import Callable

from vitcnn.device import Device
from vitcnn.prepare.accuracy import prepare_accuracy
from vitcnn.prepare.latency import prepare_latency
from vitcnn.prepare.memory import prepare_memory
from vitcnn.prepare.tiled import prepare_tiled
from vitcnn.prepare.training import prepare_training
from vitcnn.spec import AccuracyCase, Case, LatencyCase, MemoryCase, TiledCase, TrainingCase
from vitcnn.subject import Progress, Subject

PREPARERS: dict[type[Case], Callable[..., Subject]] = {
    AccuracyCase: prepare_accuracy,
    TrainingCase: prepare_training,
    LatencyCase: prepare_latency,
    TiledCase: prepare_tiled,
    MemoryCase: prepare_memory,
}


def prepare(case: Case, device: Device, progress: Progress) -> Subject:
    """Build what `case` measures on `device`."""
    return PREPARERS[type(case)](case, device, progress)
