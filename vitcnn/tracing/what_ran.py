"""Says of a trace what ran when: the operators of a CPU, or the kernels and copies of a GPU and who launched them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vitcnn.tracing.families import COPY, FUSED, OTHER, family_of
from vitcnn.tracing.names import STEP
from vitcnn.tracing.nesting import Call, calls_of
from vitcnn.tracing.trace_file import DEVICE, HOST, LAUNCHES, RANGE, Event, Trace

Span = tuple[float, float]

DISTURBED = 1.5
"""A run that took that many times as long as the fastest one, or longer, is left out: all runs do the same."""


WAITS = ("Synchronize", "Memcpy")
"""What the name holds of a call in which the host waits for a GPU; a copy to pageable memory is one, as `item()` is."""


@dataclass(frozen=True, slots=True)
class Work:
    """Something that ran: an operator without what it called, or a kernel, in its spans of seconds."""

    name: str
    phase: str
    part: str
    family: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, kw_only=True)
class Ran:
    """All that ran, the window of each run that was not disturbed, how many were, and whether it ran on a GPU.

    `waits` are the spans in which the host may have waited for a GPU.
    """

    work: tuple[Work, ...]
    waits: tuple[Span, ...]
    windows: tuple[Span, ...]
    num_disturbed: int
    on_gpu: bool


def what_ran(trace: Trace) -> Ran:
    """Return what a trace says; without torch's steps, all of it is one run."""
    calls = calls_of([event for event in trace.of(HOST, RANGE) if not event.name.startswith(STEP)])
    kernels, launches = trace.of(*DEVICE), trace.of(*LAUNCHES)
    work = _on_gpu(kernels, calls, launches) if kernels else _on_cpu(calls)
    waits = tuple((call.start_s, call.end_s) for call in launches if any(word in call.name for word in WAITS))
    steps = [(event.start_s, event.end_s) for event in trace.of(RANGE) if event.name.startswith(STEP)]
    windows = undisturbed(steps) or (_whole(work),)
    num_disturbed = max(0, len(steps) - len(windows))
    return Ran(work=tuple(work), waits=waits, windows=windows, num_disturbed=num_disturbed, on_gpu=bool(kernels))


def undisturbed(steps: Sequence[Span]) -> tuple[Span, ...]:
    """Return the runs without those in which something else seems to have used the machine."""
    fastest_s = min((end - start for start, end in steps), default=0.0)
    return tuple((start, end) for start, end in steps if end - start <= DISTURBED * fastest_s)


def _whole(work: Sequence[Work]) -> Span:
    spans = [span for one in work for span in one.spans]
    return min(start for start, _ in spans), max(end for _, end in spans)


def _on_cpu(calls: Sequence[Call]) -> list[Work]:
    """Return what each operator did itself. A range does nothing itself, but for code of torch.compile."""
    return [
        Work(call.event.name, call.phase, call.part, call.family or OTHER, tuple(call.alone_s))
        for call in calls
        if call.event.kind == HOST or family_of(call.event.name) == FUSED
    ]


def _on_gpu(kernels: Sequence[Event], calls: Sequence[Call], launches: Sequence[Event]) -> list[Work]:
    """Return the kernels; who launched one tells its phase and part, and its family where its name does not."""
    by_number = {call.event.external: call for call in calls if call.event.external >= 0}
    launchers = {launch.correlation: launch.external for launch in launches if launch.external >= 0}
    return [_kernel(kernel, _launched_by(kernel, by_number, launchers)) for kernel in kernels]


def _launched_by(kernel: Event, calls: Mapping[int, Call], launchers: Mapping[int, int]) -> Call | None:
    return calls.get(kernel.external) or calls.get(launchers.get(kernel.correlation, -1))


def _kernel(kernel: Event, call: Call | None) -> Work:
    span = ((kernel.start_s, kernel.end_s),)
    if kernel.kind != "kernel":
        return Work(kernel.name, call.phase if call else "", call.part if call else "", COPY, span)
    if call is None:
        return Work(kernel.name, "", "", family_of(kernel.name) or OTHER, span)
    known = call.family if call.family != FUSED else family_of(kernel.name)
    return Work(kernel.name, call.phase, call.part, known or family_of(kernel.name) or OTHER, span)
