"""Describes stored baselines as text: the recordings of each device, and what each case is compared with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import geometric_mean, mean, median, stdev

from tabulate import tabulate

from vitcnn.gate.baseline import Recording, baseline_of
from vitcnn.metrics import is_time, metrics
from vitcnn.quantity import counted, quantity, significant
from vitcnn.record import Environment, Record

UNKNOWN = "-"
WIDEST_SELECTION = 30
"""Characters of the widest line that says what of a preset was recorded."""

NOISY = 0.1
"""Where the runs of half of the timed cases differ by more, the gate sees little by them."""

NOT_SHOWN = ("exact", "counted", "unjudged")
"""Rules of figures that repeat in every run, or that nothing is judged by."""

TOO_NOISY = (
    "By times that differ so much the gate sees only large changes: record again on an idle machine, or use `vitcnn "
    "compare` or --gate=counts on this one."
)

DIRTY = (
    "Warning: the working tree had changes that are not committed, so nobody can measure this revision again. Commit "
    "them and record again."
)


def between_runs(records: Sequence[Record], metric: str) -> float | None:
    """Return the spread of a metric between runs: the standard deviation of the logarithm of the runs' medians.

    It is a share: 0.01 is one per cent. None where there is one run, or a median that is not positive.
    """
    medians = [median(samples) for record in records if (samples := record.samples(metric))]
    if len(medians) < 2 or min(medians) <= 0:
        return None
    return stdev(map(math.log, medians))


def recorded(recording: Recording) -> str:
    """Return what was just recorded, how much its runs differ, and how it becomes what runs are judged by."""
    runs = [stored.run for stored in recording.runs]
    num_skipped = sum(all(result.outcome == "skipped" for result in results) for results in recording.results.values())
    counts = f"{counted(len(runs), 'run')}, {counted(len(recording.records), 'case')}, {num_skipped} skipped"
    paths = [stored.path for stored in recording.runs]
    lines = [
        f"Recorded {recording.name} on {runs[0].environment.device_key}: {counts}.",
        *(f"  {path}" for path in paths),
        _spread_of_times(recording.records),
        *([DIRTY] if any(run.environment.git_dirty for run in runs) else []),
        f"To compare later runs with it in CI, commit it and its answers: git add {paths[0].parent} && git commit",
    ]
    return "\n".join(lines)


def _spread_of_times(cases: Mapping[str, Sequence[Record]]) -> str:
    spreads = {
        case_id: spread for case_id, records in cases.items() if (spread := _largest_of_times(records)) is not None
    }
    if not spreads:
        return "The spread between runs is not known: it needs two or more runs of a timed case."
    noisiest = max(spreads, key=lambda case_id: spreads[case_id])
    middle = median(spreads.values())
    said = (
        f"Spread between runs, of {counted(len(spreads), 'timed case')}: median {_percent(middle)}, largest "
        f"{_percent(spreads[noisiest])} ({noisiest})."
    )
    return f"{said} {TOO_NOISY}" if middle > NOISY else said


def _largest_of_times(records: Sequence[Record]) -> float | None:
    timed = dict.fromkeys(m.metric for record in records for m in record.measurements if is_time(m.metric))
    spreads = [spread for metric in timed if (spread := between_runs(records, metric)) is not None]
    return max(spreads, default=None)


def overview(stores: Mapping[str, Sequence[Recording]], now: datetime) -> str:
    """Return a row for each recording of each device, the oldest first."""
    headers = ("device", "recording", "runs", "began", "cases", "commit", "torch", "driver", "python", "of the preset")
    rows = [[device, *_row(recording, now)] for device, found in stores.items() for recording in found]
    return _table(headers, rows, widest_last=WIDEST_SELECTION)


def _row(recording: Recording, now: datetime) -> list[str]:
    environments = [stored.run.environment for stored in recording.runs]
    selections = [stored.run.selection for stored in recording.runs]
    return [
        recording.name,
        str(len(recording.runs)),
        _began(recording.started, now),
        str(len(recording.records)),
        _each(map(_revision, environments)),
        _each(environment.torch for environment in environments),
        _each(environment.driver for environment in environments),
        _each(environment.python for environment in environments),
        _each(f"{selection.preset}: {selection.narrowed_by or 'whole'}" for selection in selections),
    ]


def _revision(environment: Environment) -> str:
    return environment.git_commit[:7] + ("-dirty" if environment.git_dirty else "")


def _each(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(text or UNKNOWN for text in texts))


def _began(started: str, now: datetime) -> str:
    try:
        moment = datetime.fromisoformat(started).astimezone(UTC)
    except ValueError:
        return started or UNKNOWN
    days = (now - moment).days
    return f"{moment:%Y-%m-%d}, " + (f"{counted(days, 'day')} ago" if days > 0 else "today")


def cases(recordings: Sequence[Recording], *, is_whole: bool = False) -> str:
    """Return a row for each figure of each case, and below it why other cases were not measured.

    They are those that are judged and that vary, unless `is_whole`.
    """
    baseline = baseline_of(recordings)
    headers = ("case", "metric", "baseline", "between runs", "runs", "recording")
    rows = [
        (case_id, metric, middle, spread, str(case.num_runs), case.recording)
        for case_id, case in baseline.cases.items()
        for metric, middle, spread in _metrics(case.records, is_whole=is_whole)
    ]
    not_measured = [f"Not measured: {case_id}: {reason}" for case_id, reason in baseline.not_measured.items()]
    more = () if is_whole else ("--all shows counts and figures that are not judged, too.",)
    return "\n".join([_table(headers, rows), *not_measured, *more])


def _metrics(records: Sequence[Record], *, is_whole: bool) -> Iterable[tuple[str, str, str]]:
    """Yield name, value as the gate takes it, and spread between runs, of the metrics that are shown."""
    units = {m.metric: m.unit for record in records for m in record.measurements}
    for metric, unit in units.items():
        if not is_whole and metric in metrics() and metrics()[metric].rule in NOT_SHOWN:
            continue
        runs = [samples for record in records if (samples := record.samples(metric))]
        yield metric, quantity(_middle(metric, runs), unit), _percent(between_runs(records, metric))


def _middle(metric: str, runs: Sequence[Sequence[float]]) -> float:
    """Return what the gate sets a new run beside: of a time, of all seeds' scores, and of anything else."""
    medians = [median(samples) for samples in runs]
    if is_time(metric) and min(medians) > 0:
        return geometric_mean(medians)
    is_score = metric in metrics() and metrics()[metric].rule == "score"
    return mean(value for samples in runs for value in samples) if is_score else median(medians)


def _percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{significant(100 * share, 2)} %"


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], widest_last: int | None = None) -> str:
    """Return a table whose last column breaks its lines where they are wider than `widest_last`."""
    widths = [*([None] * (len(headers) - 1)), widest_last] if rows and widest_last else None
    return tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True, maxcolwidths=widths)
