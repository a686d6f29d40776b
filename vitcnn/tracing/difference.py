"""Compares two traces: which family, phase and operator takes how much more of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vitcnn.tracing.families import FAMILIES
from vitcnn.tracing.summary import PHASE_ORDER, Summary


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a run of `right` takes more than one of `left`, in seconds a run, or an image where `per_image`.

    `timed_s` is what they took without the profiler, 0 where a trace does not say it. The rows are (left, right), by
    name; `operators` are those that differ most.
    """

    left: Summary
    right: Summary
    per_image: bool
    run_s: tuple[float, float]
    timed_s: tuple[float, float]
    families: Mapping[str, tuple[float, float]]
    phases: Mapping[str, tuple[float, float]]
    operators: Mapping[str, tuple[float, float]]
    calls: tuple[float, float]

    @property
    def more_s(self) -> float:
        """Seconds that the right one takes more, less than 0 where it takes less."""
        return self.run_s[1] - self.run_s[0]


def difference(left: Summary, right: Summary) -> Difference:
    """Compare two traces: by the image where both say how many a run processes and these differ, else by the run."""
    per_image = bool(left.images and right.images) and left.images != right.images
    scales = (1 / left.images, 1 / right.images) if per_image else (1.0, 1.0)
    operators = side_by_side(_by_name(left), _by_name(right), scales)
    return Difference(
        left=left,
        right=right,
        per_image=per_image,
        run_s=(left.run_s * scales[0], right.run_s * scales[1]),
        timed_s=(left.timed_s * scales[0], right.timed_s * scales[1]),
        families=side_by_side(left.families, right.families, scales, FAMILIES),
        phases=side_by_side(left.phases, right.phases, scales, PHASE_ORDER),
        operators=dict(sorted(operators.items(), key=lambda row: -abs(row[1][1] - row[1][0]))),
        calls=(left.calls, right.calls),
    )


def side_by_side(
    left: Mapping[str, float], right: Mapping[str, float], scales: tuple[float, float], order: Sequence[str] = ()
) -> dict[str, tuple[float, float]]:
    """Return the values of both by name, those that only one has with 0 for the other; the names of `order` first."""
    names = [*(name for name in order if name in left or name in right), *sorted({*left, *right} - {*order})]
    return {name: (left.get(name, 0.0) * scales[0], right.get(name, 0.0) * scales[1]) for name in names}


def _by_name(summary: Summary) -> dict[str, float]:
    found: dict[str, float] = {}
    for operator in summary.operators:
        found[operator.name] = found.get(operator.name, 0.0) + operator.time_s
    return found
