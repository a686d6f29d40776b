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
    chosen = [case for case in cases if PRESETS.index(case.preset) <= PRESETS.index(options.preset)]
    if options.architectures:
        chosen = [case for name in options.architectures for case in of_architecture(chosen, name)]
    if options.tasks:
        chosen = list(dict.fromkeys(case for name in options.tasks for case in of_task(chosen, name)))
    return [_parameter(case) for case in chosen]


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


def _parameter(case: Case) -> Any:
    """Return the case as a parameter, its names checked; skipped where its architecture cannot take its resolution."""
    known = architecture(case.architecture).resolutions
    if isinstance(case, AccuracyCase):
        task(case.task), recipe(case.recipe)
    px = case.input_px
    if px is None or px in known:
        return pytest.param(case, id=str(case))
    reason = f"{case.architecture} takes {', '.join(map(str, sorted(known)))} px input, this case has {px} px"
    return pytest.param(case, id=str(case), marks=pytest.mark.skip(reason=reason))
