"""Runs and baselines made by hand, for tests of the gate."""

from dataclasses import replace

from record_builders import ENVIRONMENT, measurement

from vitcnn.gate.baseline import Baseline, CaseBaseline
from vitcnn.gate.times import RunMedians
from vitcnn.record import CaseResult, Record, Run, Selection

CASE = "latency/lenet/28/b1/fp32/eager"
OTHER = "latency/vit_micro/28/b1/fp32/eager"
QUIET = (1.000, 1.001, 0.999, 1.002, 0.998)
NOISY = (1.00, 1.05, 0.95, 1.04, 0.96)


def medians(*, baseline=QUIET, current=(1.0,), case=CASE, better="lower", tolerance=0.02, **more):
    return RunMedians(
        case=case,
        metric="latency_s",
        unit="s",
        better=better,
        tolerance=tolerance,
        baseline=tuple(baseline),
        current=tuple(current),
        **more,
    )


def count(value, metric="parameters", unit="1"):
    return measurement(metric, value, unit=unit, tolerance=0.0)


def amount(value, tolerance=0.01):
    return measurement("peak_allocated_bytes", value, unit="B", tolerance=tolerance)


def scores(*shares, tolerance=0.01):
    return measurement("test_accuracy", *shares, unit="1", better="higher", tolerance=tolerance)


def record(case, *measurements, architecture="lenet", **settings):
    return Record(
        case=case,
        architecture=architecture,
        family="cnn",
        settings={"preset": "smoke", "timer": "perf_counter", **settings},
        status="ok",
        measurements=measurements,
    )


def timed(case, seconds, **settings):
    return record(case, measurement("latency_s", seconds), **settings)


def passed(entry):
    return CaseResult(id=entry.case, outcome="passed", record=entry)


def ended(outcome, *, case=CASE, reason="the reason"):
    return CaseResult(id=case, outcome=outcome, reason=reason)


def run(*results, environment=None, **selection):
    """A run of results and of records, which passed."""
    cases = tuple(passed(entry) if isinstance(entry, Record) else entry for entry in results)
    chosen = Selection(**{"preset": "smoke", **selection})
    return Run(environment=replace(ENVIRONMENT, **(environment or {})), cases=cases, selection=chosen)


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


def five(case=CASE, seconds=QUIET, **settings):
    return [timed(case, value, **settings) for value in seconds]
