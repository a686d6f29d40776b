"""Which of a file's CASES a run collects: by preset, by --arch, by --task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from vitcnn.architectures import architecture
from vitcnn.pytest_plugin.options import Options
from vitcnn.recipes import recipe
from vitcnn.spec import PRESETS, AccuracyCase, Case
from vitcnn.tasks import task


def select(cases: Iterable[Case], options: Options) -> list[Any]:
    """Return the pytest parameters of the cases to collect, their ids the cases' own."""
    in_preset = [case for case in cases if PRESETS.index(case.preset) <= PRESETS.index(options.preset)]
    for case in in_preset:
        require_known_names(case)
    chosen = in_preset
    if options.architectures:
        chosen = [case for name in options.architectures for case in of_architecture(chosen, name)]
    if options.tasks:
        chosen = list(dict.fromkeys(case for name in options.tasks for case in of_task(chosen, name)))
    return [pytest.param(case, id=str(case), marks=[] if case in in_preset else _skipped(case)) for case in chosen]


def require_known_names(case: Case) -> None:
    """Raise UnknownName where a case names what the catalogue does not hold."""
    architecture(case.architecture)
    if isinstance(case, AccuracyCase):
        task(case.task)
        recipe(case.recipe)


def of_architecture(cases: Sequence[Case], name: str) -> list[Case]:
    """Return the cases of `name`; where no case names it, it takes the places of its family's cases, or of all."""
    named = [case for case in cases if case.architecture == name]
    if named:
        return named
    family = architecture(name).family
    kin = [case for case in cases if architecture(case.architecture).family == family]
    return list(dict.fromkeys(replace(case, architecture=name) for case in kin or cases))


def of_task(cases: Sequence[Case], name: str) -> list[Case]:
    """Return the cases with every task replaced by `name`; cases without a task stay as they are."""
    named = [case for case in cases if getattr(case, "task", name) == name]
    if any(hasattr(case, "task") for case in named):
        return named
    return [replace(case, task=name) if hasattr(case, "task") else case for case in cases]  # type: ignore[call-arg]


def _skipped(case: Case) -> list[pytest.MarkDecorator]:
    """Return a skip mark for a place that an architecture was put into and whose resolution it cannot take."""
    known, px = architecture(case.architecture).resolutions, case.input_px
    if px is None or px in known:
        return []
    reason = f"{case.architecture} takes {', '.join(map(str, sorted(known)))} px input, this place has {px} px"
    return [pytest.mark.skip(reason=f"{reason}: name another architecture for it")]
