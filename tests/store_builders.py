"""Makes stores of baselines by hand: files of runs, the recordings in them, and the baseline that judges."""

import json
from pathlib import Path

from record_builders import ENVIRONMENT

from vitcnn.gate.baseline import Baseline, CaseBaseline, Recording, StoredRun


def recording(name, *runs):
    return Recording(name=name, runs=tuple(StoredRun(path=Path(name), run=run) for run in runs))


def write(path, run):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"benchmarks": [], "vitcnn": run.to_json()}), encoding="utf-8")
    return path


def stored(*records, recording="first"):
    """The records of each case, in the order of the runs."""
    cases = dict.fromkeys(entry.case for entry in records)
    return {
        case: CaseBaseline(recording=recording, records=tuple(entry for entry in records if entry.case == case))
        for case in cases
    }


def baseline(*records, oldest=(), environments=(ENVIRONMENT,)):
    return Baseline(
        cases=stored(*records, recording="newest"),
        oldest=stored(*oldest, recording="oldest"),
        not_measured={},
        environments=tuple(environments),
    )
