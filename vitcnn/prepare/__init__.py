"""From a case to its subject: one file a question, one entry here."""

from __future__ import annotations

from collections.abc import Callable

from vitcnn.bench import Bench
from vitcnn.bench.subject import Subject
from vitcnn.prepare.accuracy import prepare_accuracy
from vitcnn.prepare.data_efficiency import prepare_data_efficiency
from vitcnn.prepare.latency import prepare_latency
from vitcnn.prepare.memory import prepare_memory
from vitcnn.prepare.robustness import prepare_robustness
from vitcnn.prepare.tiled import prepare_tiled
from vitcnn.prepare.training import prepare_training
from vitcnn.spec import (
    AccuracyCase,
    Case,
    DataEfficiencyCase,
    LatencyCase,
    MemoryCase,
    RobustnessCase,
    TiledCase,
    TrainingCase,
)

PREPARERS: dict[type[Case], Callable[..., Subject]] = {
    AccuracyCase: prepare_accuracy,
    DataEfficiencyCase: prepare_data_efficiency,
    RobustnessCase: prepare_robustness,
    TrainingCase: prepare_training,
    LatencyCase: prepare_latency,
    TiledCase: prepare_tiled,
    MemoryCase: prepare_memory,
}


def prepare(case: Case, bench: Bench) -> Subject:
    """Build what `case` measures."""
    return PREPARERS[type(case)](case, bench)
