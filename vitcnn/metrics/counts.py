"""Defines the metrics that count what a run asks of torch and of the device; `measuring.counting` counts them.

These do not vary with what else uses the machine, so they are judged exactly, under one version of torch.

- `operators`: what reaches torch's dispatcher below autograd in forward, backward and optimiser, views included. One on
  a list of tensors is one. Of a compiled case they are those of the code as it is written.
- `allocated_bytes`: all that is allocated on the way, not the peak: on a CPU the storages that operators return and
  were not given, on CUDA what torch's allocator handed out.
- `synchronisations`: how often the host waits for the device: on CUDA as torch warns of them, on a CPU the operators
  that would (`item`, `nonzero`, a mask as an index). What does not pass the dispatcher on a CPU, such as `.cpu()`,
  `.numpy()` and `.tolist()`, is seen on CUDA alone.
- `kernels`: kernels, copies and fills that the GPU ran, by CUPTI, without cuDNN's search.
- `graphs` and `graph_breaks`: what torch.compile made of a compiled case by the end of its warm-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from vitcnn.metrics.metric import Metric, exact

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject
    from vitcnn.spec import Case

INSTRUCTIONS_TOLERANCE = 0.003
"""Addresses and hashing make two processes of the same code differ by up to 0.2 %."""


def measure(name: str, subject: Subject) -> Sequence[float]:
    """Return the count, or none where there is no such thing here."""
    return [subject.counts[name]] if name in subject.counts else ()


def three_in_a_thousand(_case: Case) -> float:
    """Tolerance of what hardly varies between processes."""
    return INSTRUCTIONS_TOLERANCE


def counted(name: str, *, unit: str = "1", reads: str = "counts") -> Metric:
    """Return the metric of one count."""
    return Metric(
        name=name,
        unit=unit,
        better="lower",
        tolerance=exact,
        rule="counted",
        reads=reads,
        measure=partial(measure, name),
    )


OPERATORS = counted("operators")
ALLOCATED_BYTES = counted("allocated_bytes", unit="B", reads="allocations")
SYNCHRONISATIONS = counted("synchronisations")
KERNELS = counted("kernels")
GRAPHS = counted("graphs")
GRAPH_BREAKS = counted("graph_breaks")
OF_A_FUNCTION = (OPERATORS, ALLOCATED_BYTES, SYNCHRONISATIONS, KERNELS)
"""Those that a user's own benchmark reports."""

INSTRUCTIONS = Metric(
    name="instructions",
    unit="1",
    better="lower",
    tolerance=three_in_a_thousand,
    rule="counted",
    reads="forward times",
    measure=partial(measure, "instructions"),
)
"""Instructions of one forward on a CPU, by Callgrind, with --count-instructions alone: `measuring.instructions`."""
