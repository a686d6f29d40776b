"""Defines what a question is: its cases, how they are prepared, what metrics read, and what reports show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vitcnn.record import Record, Run
from vitcnn.report.columns import Column
from vitcnn.report.plots import Drawing
from vitcnn.spec import Case

if TYPE_CHECKING:
    from vitcnn.bench import Bench
    from vitcnn.bench.subject import Subject


def no_columns(_records: Sequence[Record]) -> list[Column]:
    """Show nothing in the table."""
    return []


def no_section(_run: Run, *, width: int) -> str:  # noqa: ARG001  # as those that have one
    """Show nothing below the table."""
    return ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question that benchmarks ask: its kind of case, how such a case is measured, how a report shows it.

    `prepare` builds what a case measures; it imports torch when it is called. `provides` names what metrics can read
    of it: each metric says which of these it reads. Reports show questions in the order of their `place`: `columns` are
    those of the table that the run's records can fill; `told` says, for each metric that the trade-offs tell, in what
    words; `section` is a text of the question's own below the table; `drawings` are its plots, by how their files'
    names begin.
    """

    name: str
    case: type[Case]
    prepare: Callable[[Any, Bench], Subject]
    provides: frozenset[str]
    place: int = 100
    columns: Callable[[Sequence[Record]], list[Column]] = no_columns
    told: Mapping[str, str] = field(default_factory=dict)
    section: Callable[..., str] = no_section
    drawings: Mapping[str, Drawing] = field(default_factory=dict)
