"""Judges counts, which can only be compared under the same version of torch and of a GPU's libraries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vitcnn.gate.amounts import judge_amount, judge_exact
from vitcnn.gate.baseline import CaseBaseline
from vitcnn.gate.verdict import Verdict
from vitcnn.metrics import metrics
from vitcnn.quantity import counted
from vitcnn.record import Measurement, Record

UNDER = "counted_with"
"""The setting of a record that says under which versions its counts were taken."""

INSTRUCTIONS, UNDER_VALGRIND = "instructions", "instructions_counted_with"
"""A metric that depends on more than the other counts, and the setting that says on what."""


@dataclass(frozen=True, kw_only=True)
class Uncomparable:
    """How many counts of how many cases other software keeps from being judged, and what differs."""

    num_figures: int = 0
    num_cases: int = 0
    changes: tuple[str, ...] = ()

    def __str__(self) -> str:
        of = f"{counted(self.num_figures, 'count')} of {counted(self.num_cases, 'case')}"
        return f"{of} cannot be compared, because the software differs: {', '.join(self.changes)}"


def judge_counted(case: str, baseline: list[Measurement], current: list[Measurement]) -> Verdict:
    """Judge a count: exactly, or by the range of its baseline where it has a tolerance."""
    return (judge_amount if current[0].tolerance else judge_exact)(case, baseline, current)


def other_software(metric: str, before: Sequence[Record], now: Sequence[Record]) -> tuple[str, ...]:
    """Return what differs in the software of both sides that a count depends on: `torch 2.14.0 -> 2.15.0`."""
    setting = UNDER_VALGRIND if metric == INSTRUCTIONS else UNDER
    counted_in = ([record for record in records if record.samples(metric)] for records in (before, now))
    old, new = ([dict(record.settings.get(setting, {})) for record in records] for records in counted_in)
    names = sorted({name for versions in (*old, *new) for name in versions})
    pairs = ((name, _values(old, name), _values(new, name)) for name in names)
    return tuple(
        f"{name} {', '.join(before)} -> {', '.join(now)}"
        for name, before, now in pairs
        if before != now or len(before) > 1
    )


def _values(versions: Sequence[Mapping[str, object]], name: str) -> list[str]:
    return sorted({str(entry.get(name, "unknown")) for entry in versions})


def uncomparable(measured: Mapping[str, Sequence[Record]], baselines: Mapping[str, CaseBaseline]) -> Uncomparable:
    """Return which counts both sides have and yet cannot be compared."""
    found = [
        (case, change)
        for case, now in measured.items()
        for name in sorted(_counts_of(now) & _counts_of(baselines[case].records))
        if (change := other_software(name, baselines[case].records, now))
    ]
    changes = dict.fromkeys(text for _, change in found for text in change)
    return Uncomparable(num_figures=len(found), num_cases=len({case for case, _ in found}), changes=tuple(changes))


def _counts_of(records: Sequence[Record]) -> set[str]:
    known = metrics()
    names = {measurement.metric for record in records for measurement in record.measurements}
    return {name for name in names if name in known and known[name].rule == "counted"}
