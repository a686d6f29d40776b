"""Stores of baselines made by hand."""

import json
from dataclasses import replace
from pathlib import Path

from record_builders import ENVIRONMENT, latency

from vitcnn.gate.baseline import Recording, StoredRun
from vitcnn.record import CaseResult, Run, Selection

WHOLE, LATENCY = Selection(preset="smoke"), Selection(preset="smoke", keyword="latency")


def passed(case_id, *seconds):
    """Return a case that passed; its record is only about its seconds, whatever its id."""
    return CaseResult(id=case_id, outcome="passed", record=replace(latency("lenet", *(seconds or [1.0])), case=case_id))


def ended(case_id, outcome, reason=""):
    return CaseResult(id=case_id, outcome=outcome, reason=reason)


def run(day, *cases, selection=WHOLE, **environment):
    """Return a run of the `day` of January 2026."""
    return Run(
        environment=replace(ENVIRONMENT, **environment),
        cases=cases,
        started=f"2026-01-{day:02}T08:00:00+00:00",
        selection=selection,
    )


def recording(name, *runs):
    return Recording(name=name, runs=tuple(StoredRun(path=Path(name), run=run) for run in runs))


def write(path, run):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"benchmarks": [], "vitcnn": run.to_json()}), encoding="utf-8")
    return path
