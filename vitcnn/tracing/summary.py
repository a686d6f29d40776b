"""Sums a trace up: the time of a run by phase, by family, by part of the model and by operator, and the gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vitcnn.spans import are_in, merged
from vitcnn.tracing.families import FAMILIES, IDLE
from vitcnn.tracing.names import BACKWARD, PHASES
from vitcnn.tracing.shares import shares_of
from vitcnn.tracing.trace_file import Trace, read_trace
from vitcnn.tracing.what_ran import Work, what_ran

LEAST_GAP_S = 10e-6
"""A shorter time in which nothing ran is none of the gaps that are counted; it is part of the idle time."""

REST = "rest"
"""What ran in no phase: the loss, setting gradients to nothing, copies."""


PHASE_ORDER = (*PHASES, REST, IDLE)


@dataclass(frozen=True, kw_only=True)
class Operator:
    """An operator or kernel: its seconds in a run, without what it called, and how often it ran in a run."""

    name: str
    family: str
    time_s: float
    calls: float


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Where the time of a run goes, in seconds a run, the mean of `num_runs`; `about` says of which case.

    `num_disturbed` runs took so much longer than the fastest one that they are left out.

    `phases` and `families` add up to `run_s` with the idle time, which is among both. `parts` are those of the model,
    forward and backward. `calls` are the kernels and copies of a GPU in a run, or the operators of a CPU. Where work
    overlaps, each has its share of the time. `gaps` counts the times of 10 µs or more in which nothing ran. `waited_s`
    is the idle time that began while the host waited for a GPU, so that it had launched nothing ahead.
    """

    path: Path
    about: Mapping[str, Any]
    on_gpu: bool
    num_runs: int
    num_disturbed: int
    run_s: float
    phases: Mapping[str, float]
    families: Mapping[str, float]
    parts: Mapping[str, float]
    parts_backward: Mapping[str, float]
    operators: tuple[Operator, ...]
    calls: float
    gaps: float
    gaps_s: float
    longest_gap_s: float
    waited_s: float

    @property
    def name(self) -> str:
        """The case, or where the trace does not say it, the file."""
        return str(self.about.get("case") or self.path)

    @property
    def idle_s(self) -> float:
        """Seconds of a run in which nothing ran."""
        return self.families.get(IDLE, 0.0)

    @property
    def timed_s(self) -> float:
        """Seconds that a run took in the timed rounds, without the profiler; 0 where the trace does not say it."""
        told = self.about.get("timed_s")
        return told if isinstance(told, float) and told > 0 else 0.0

    @property
    def images(self) -> int:
        """Images that a run processes; 0 where the trace does not say it."""
        told = self.about.get("images_per_run")
        return told if isinstance(told, int) and told > 0 else 0

    @property
    def is_part(self) -> bool:
        """Whether what was traced is a part that stands for a run, such as one batch of the tiles of a frame."""
        return self.about.get("is_part_of_run") is True


def summary_of(trace: Trace) -> Summary:
    """Sum up what a trace says."""
    ran = what_ran(trace)
    windows, num_runs = merged(ran.windows), len(ran.windows)
    owners = [number for number, work in enumerate(ran.work) for _ in work.spans]
    spans = np.array([span for work in ran.work for span in work.spans], dtype=np.float64).reshape(-1, 2)
    shares = shares_of(spans, windows)
    own_s = np.bincount(owners, shares.seconds, minlength=len(ran.work)) / num_runs
    whole_s = float((windows[:, 1] - windows[:, 0]).sum())
    idle_s = (whole_s - shares.busy_s) / num_runs
    waited_s = shares.gaps_s[are_in(shares.gaps_began_s, ran.waits)]
    gaps_s = shares.gaps_s[shares.gaps_s >= LEAST_GAP_S]
    inside = [work for work in ran.work if _begins_in(work, windows)]

    def by(name: Callable[[Work], str], which: Callable[[Work], bool] = lambda _: True) -> Counter[str]:
        found: Counter[str] = Counter()
        for work, seconds in zip(ran.work, own_s.tolist(), strict=True):
            if which(work):
                found[name(work)] += seconds
        return found

    return Summary(
        path=trace.path,
        about=trace.about,
        on_gpu=ran.on_gpu,
        num_runs=num_runs,
        num_disturbed=ran.num_disturbed,
        run_s=whole_s / num_runs,
        phases=_in_order({**by(lambda work: work.phase or REST), IDLE: idle_s}, PHASE_ORDER),
        families=_in_order({**by(lambda work: work.family), IDLE: idle_s}, FAMILIES),
        parts=by(lambda work: work.part, lambda work: bool(work.part) and work.phase != BACKWARD),
        parts_backward=by(lambda work: work.part, lambda work: bool(work.part) and work.phase == BACKWARD),
        operators=_operators(ran.work, own_s, inside, num_runs),
        calls=len(inside) / num_runs,
        gaps=len(gaps_s) / num_runs,
        gaps_s=float(gaps_s.sum()) / num_runs,
        longest_gap_s=float(gaps_s.max(initial=0.0)),
        waited_s=float(waited_s.sum()) / num_runs,
    )


def summary_of_file(path: Path, field: str = "TRACE") -> Summary:
    """Read a trace and sum it up; UserError where it cannot be read."""
    return summary_of(read_trace(path, field))


def _begins_in(work: Work, windows: np.ndarray) -> bool:
    start = work.spans[0][0] if work.spans else -1.0
    return bool(((windows[:, 0] <= start) & (start < windows[:, 1])).any())


def _operators(work: Sequence[Work], own_s: np.ndarray, inside: Sequence[Work], num_runs: int) -> tuple[Operator, ...]:
    """Return all operators, those that take longest first; one that is of several families stands once for each."""
    numbers = Counter((one.name, one.family) for one in inside)
    times_s: Counter[tuple[str, str]] = Counter()
    for one, seconds in zip(work, own_s.tolist(), strict=True):
        times_s[one.name, one.family] += seconds
    found = [
        Operator(name=name, family=family, time_s=times_s[name, family], calls=number / num_runs)
        for (name, family), number in numbers.items()
    ]
    return tuple(sorted(found, key=lambda operator: (-operator.time_s, operator.name)))


def _in_order(found: Mapping[str, float], order: tuple[str, ...]) -> dict[str, float]:
    return {name: found[name] for name in order if name in found}
