"""Implements --count-instructions: one process counts all selected cases before the first case is measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from vitcnn.errors import RunFailed
from vitcnn.measuring.instructions import COUNTABLE, OPTION, instructions_counted_with, instructions_of, is_countable
from vitcnn.metrics.counts import INSTRUCTIONS, INSTRUCTIONS_TOLERANCE
from vitcnn.pytest_plugin.ledger import case_of
from vitcnn.quantity import counted
from vitcnn.questions.latency import LatencyCase
from vitcnn.record import Record

COUNTED = pytest.StashKey[Mapping[str, float]]()
"""Instructions of one forward of each case that was counted, by its id."""


COUNTING_S = 90.0
"""About how long it takes, in all: nearly all of it goes into importing torch."""


def count_instructions(items: Iterable[pytest.Item], config: pytest.Config) -> None:
    """Count those of the cases among `items` that are small enough; UsageError says why that failed."""
    cases = [case for item in items if isinstance(case := case_of(item), LatencyCase) and is_countable(case)]
    if not cases:
        raise pytest.UsageError(
            f"{OPTION}: none of the selected cases is small enough: {COUNTABLE}. Leave out the option."
        )
    if reporter := config.pluginmanager.get_plugin("terminalreporter"):
        what = f"the instructions of {counted(len(cases), 'case')} with Callgrind, which takes one to two minutes"
        reporter.write_line(f"Counting {what} ...", flush=True)
    try:
        config.stash[COUNTED] = instructions_of(cases)
    except RunFailed as error:
        raise pytest.UsageError(str(error)) from None


def with_instructions(record: Record, config: pytest.Config) -> Record:
    """Return `record` with its case's instructions, where they were counted."""
    found = config.stash.get(COUNTED, {}).get(record.case)
    if found is None or not record.measurements:
        return record
    measurement = INSTRUCTIONS.measurement([found], INSTRUCTIONS_TOLERANCE)
    settings = {**record.settings, "instructions_counted_with": instructions_counted_with()}
    return replace(record, measurements=(*record.measurements, measurement), settings=settings)
