"""Defines the metrics that say what holds a run back: what it computes and moves, how fast, and how fast it could be.

A run takes no less time than its arithmetic at the rate of a large matrix product or convolution, than its traffic at
the rate of a large copy, and than what the host needs to start its operators. `report.roofline` sets the three beside
each other.

- `flops`: by torch's flop counter, as `model_flop_utilisation` has them.
- `traffic_bytes`: what each operator reads and writes, each tensor once and whole (`measuring.traffic`), counted in the
  counting pass. Of a compiled case it is that of the code as it is written, before operators are fused, so rates and
  shares of bandwidth do not exist for it.
- `busy_time_s`: on CUDA, the time in which kernels run, by torch's profiler in a pass of its own. `event_time_s`, or
  the time of a step, less this is the time in which the GPU waits for the host.
- `dispatch_time_s`: on a CPU, an estimate: the operators of a run times what one costs in a chain of tiny layers here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING

from vitcnn.metrics.arithmetic import flops_per_run
from vitcnn.metrics.metric import Metric, Rule, exact, of_time
from vitcnn.record import Better

if TYPE_CHECKING:
    from vitcnn.bench.subject import Subject

TRAFFIC, OPERATORS = "traffic_bytes", "operators"


def flops(subject: Subject) -> Sequence[float]:
    """Return what the model computes in one run."""
    return [flops_per_run(subject)]


def traffic_bytes(subject: Subject) -> Sequence[float]:
    """Return what the operators of one run read and write."""
    return [subject.counts[TRAFFIC]] if TRAFFIC in subject.counts else ()


def flops_per_s(subject: Subject) -> Sequence[float]:
    """Return the FLOP/s of the median round."""
    return [flops_per_run(subject) / median(subject.times_s)]


def bytes_per_s(subject: Subject) -> Sequence[float]:
    """Return the bytes a second of the median round; none of a compiled case, whose fused operators move fewer."""
    if subject.case.mode != "eager":
        return ()
    return [of_run / median(subject.times_s) for of_run in traffic_bytes(subject)]


def copy_bytes_per_s(subject: Subject) -> Sequence[float]:
    """Return the best of several large copies."""
    from vitcnn.device.copying import copy_bytes_per_s

    return [copy_bytes_per_s(subject.device)]


def bandwidth_utilisation(subject: Subject) -> Sequence[float]:
    """Return the share of what a large copy reaches."""
    [reachable] = copy_bytes_per_s(subject)
    return [rate / reachable for rate in bytes_per_s(subject)]


def busy_time_s(subject: Subject) -> Sequence[float]:
    """Return the time in which the GPU runs kernels; none on a CPU, or where the profiler sees none."""
    if not subject.device.is_cuda:
        return ()
    from vitcnn.device.kernels import busy_time_s

    seconds = busy_time_s(subject.device, subject.run)
    return () if seconds is None else [seconds]


def dispatch_time_s(subject: Subject) -> Sequence[float]:
    """Return the estimate; none on CUDA, where it can be measured, and none of a compiled case."""
    if subject.device.is_cuda or subject.case.mode != "eager" or OPERATORS not in subject.counts:
        return ()
    from vitcnn.device.dispatch import operator_cost_s

    trains = subject.forwards_per_run is None
    return [subject.counts[OPERATORS] * operator_cost_s(subject.device, trains=trains)]


def counted(name: str, unit: str, rule: Rule, measure: Callable[[Subject], Sequence[float]]) -> Metric:
    """Return the metric of what a run asks for, which does not vary."""
    return Metric(name=name, unit=unit, better="lower", tolerance=exact, rule=rule, reads="traffic", measure=measure)


def unjudged(name: str, unit: str, better: Better, measure: Callable[[Subject], Sequence[float]]) -> Metric:
    """Return the metric of a time, a rate or a share that explains another one."""
    return Metric(
        name=name, unit=unit, better=better, tolerance=of_time, rule="unjudged", reads="roofline", measure=measure
    )


FLOPS = counted("flops", "FLOP", "exact", flops)
TRAFFIC_BYTES = counted(TRAFFIC, "B", "counted", traffic_bytes)
FLOPS_PER_S = unjudged("flops_per_s", "FLOP/s", "higher", flops_per_s)
BYTES_PER_S = unjudged("bytes_per_s", "B/s", "higher", bytes_per_s)
COPY_BYTES_PER_S = unjudged("copy_bytes_per_s", "B/s", "higher", copy_bytes_per_s)
BANDWIDTH_UTILISATION = unjudged("bandwidth_utilisation", "1", "higher", bandwidth_utilisation)
BUSY_TIME_S = unjudged("busy_time_s", "s", "lower", busy_time_s)
DISPATCH_TIME_S = unjudged("dispatch_time_s", "s", "lower", dispatch_time_s)
