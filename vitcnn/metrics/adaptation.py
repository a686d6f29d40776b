"""Defines the metrics of what adapting a model takes: how much of it trains, what is stored, what fills the memory.

The memory is measured in a pass of its own, of one training step on one batch, on CPU and CUDA alike. Its parts are
sums over tensors: what an allocator keeps beside them, and what operators need for themselves, is in
`peak_allocated_bytes` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, Rule, exact, of_time, one_percent

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject
    from vitcnn.bench.training_memory import TrainingMemory

NUM_MERGES = 3
"""Fresh models that are merged with the clock running, after one without."""


def of_memory(read: Callable[[TrainingMemory], int | None]) -> Callable[[Subject], Sequence[float]]:
    """Return what reads a number of a step's memory; none where nothing trains, or there is no such number."""

    def measure(subject: Subject) -> Sequence[float]:
        found = read(subject.training_memory()) if subject.training_memory else None
        return () if found is None else [found]

    return measure


def merge_time_s(subject: Subject) -> Sequence[float]:
    """Return the seconds that merging takes, of a fresh model each time; none where there is nothing to merge."""
    if subject.merging is None:
        return ()
    return [seconds_of(subject.merging(), subject.device.timer) for _ in range(1 + NUM_MERGES)][1:]


def seconds_of(run: Callable[[], object], timer: Callable[[], float]) -> float:
    """Return the seconds of one run."""
    start = timer()
    run()
    return timer() - start


def amount(name: str, read: Callable[[TrainingMemory], int | None], *, unit: str = "B", rule: Rule = "exact") -> Metric:
    """Return the metric of a number of a step's memory."""
    return Metric(
        name=name,
        unit=unit,
        better="lower",
        tolerance=exact if rule == "exact" else one_percent,
        rule=rule,
        reads="training memory",
        measure=of_memory(read),
    )


TRAINABLE_PARAMETERS = amount("trainable_parameters", lambda memory: memory.num_trainable, unit="1")
"""Number of parameters that train."""

ADAPTER_BYTES = amount("adapter_bytes", lambda memory: memory.adapter_bytes, rule="unjudged")
"""Bytes of what an adaptation trained, in fp32: the head, and LoRA's factors as we hold them; none where all trains."""

PEFT_BYTES = amount("peft_bytes", lambda memory: memory.peft_bytes)
"""Bytes of the same in peft's format, of LoRA alone.

It holds query and value of a fused layer as one update of the whole layer: twice the numbers, half of them zeros.
"""

WEIGHTS_BYTES = amount("weights_bytes", lambda memory: memory.weights_bytes)
"""Bytes of all parameters, frozen ones included."""

GRADIENT_BYTES = amount("gradient_bytes", lambda memory: memory.gradient_bytes)
"""Bytes of the gradients that the optimiser is given."""

OPTIMIZER_BYTES = amount("optimizer_bytes", lambda memory: memory.optimizer_bytes)
"""Bytes that the optimiser keeps from one step to the next."""

SAVED_FOR_BACKWARD_BYTES = amount("saved_for_backward_bytes", lambda memory: memory.saved_for_backward_bytes)
"""Memory that autograd keeps from the forward for the backward of one training step.

Each storage counts once and whole; parameters do not count, they are there anyway.
"""

TRAINING_MEMORY_BYTES = amount("training_memory_bytes", lambda memory: memory.training_memory_bytes, rule="unjudged")
"""The sum of the four: weights, gradients, optimiser, and what is saved for the backward."""

FEATURES_BYTES = amount("features_bytes", lambda memory: memory.features_bytes)
"""Bytes of the features of all training images, where the head alone trains on them; in memory, or in a file."""

MERGE_TIME_S = Metric(
    name="merge_time_s",
    unit="s",
    better="lower",
    tolerance=of_time,
    rule="unjudged",
    reads="merging",
    measure=merge_time_s,
)
"""Time of adding LoRA's updates to the frozen weights, once and for all, in a pass of its own."""
