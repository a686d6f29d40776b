"""From a case to its record: build, warm up, time, measure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from vitcnn.architectures import architecture
from vitcnn.bench import Bench
from vitcnn.bench.rounds import Stopwatch
from vitcnn.bench.subject import Subject
from vitcnn.device import numerics, out_of_memory_as_case_error
from vitcnn.device.busy import watch_processor
from vitcnn.device.throttling import watch_clocks
from vitcnn.errors import CaseError, UserError, VitcnnError
from vitcnn.measuring.counting import Counts, counted_with, counts_of, graphs_so_far
from vitcnn.metrics import metrics_of
from vitcnn.prepare import prepare
from vitcnn.record import Record
from vitcnn.references import raised
from vitcnn.spec import Architecture, Case


def measure(case: Case, *, bench: Bench, stopwatch: Stopwatch, floor_bytes: int) -> Record:
    """Measure `case`. `floor_bytes` is what was allocated on the device before.

    Raises a CaseError where the case itself cannot be measured, MissingData where its data cannot be had: the other
    cases go on.
    """
    device = bench.device
    entry = architecture(case.architecture)
    with own_failures(entry), numerics(device), out_of_memory_as_case_error(device), forgetting_compiled_code(case):
        graphs_before = graphs_so_far() if case.mode == "compiled" else {}
        subject = prepare(case, bench)
        subject.floor_bytes = floor_bytes
        rounds, calls = bench.agreed(*subject.rounds.plan(subject.warm_up()))
        graphs = {name: graphs_so_far()[name] - before for name, before in graphs_before.items()}
        with watch_clocks(device) as clocks, watch_processor(device) as processor:
            subject.times_s = stopwatch(
                subject.run,
                rounds=rounds,
                calls=calls,
                before_round=subject.before_round,
                after_round=subject.after_round,
            )
        if subject.times_s:
            subject.counts = {**counts(subject), **graphs}
        measurements = (
            [m for metric in metrics_of(case.question) for m in metric.of(subject)] if subject.times_s else []
        )
    return Record(
        case=str(case),
        architecture=case.architecture,
        family=subject.architecture.family,
        settings={
            **settings_of(case),
            **subject.settings,
            "rounds": rounds,
            "calls_per_round": calls,
            "counted_with": counted_with(device),
            **clocks,
            **processor,
        },
        status="ok",
        measurements=tuple(measurements),
        series=tuple(subject.series()) if subject.times_s else (),
    )


def counts(subject: Subject) -> Counts:
    """Return what a run, or what stands for it, asks for. What stands for a compiled run would be compiled anew."""
    on_device = subject.counted is None or subject.case.mode == "eager"
    run = subject.counted() if subject.counted else subject.run
    return counts_of(run, subject.device, on_device=on_device)


@contextmanager
def forgetting_compiled_code(case: Case) -> Iterator[None]:
    """Drop what torch.compile keeps of a compiled case: it holds on to the case's weights."""
    try:
        yield
    finally:
        if case.mode == "compiled":
            import torch

            torch.compiler.reset()


@contextmanager
def own_failures(entry: Architecture) -> Iterator[None]:
    """Turn whatever a user's own model raises into a CaseError that says so in one sentence, and where in its file."""
    try:
        yield
    except VitcnnError:
        raise
    except (Exception, SystemExit) as error:
        if not entry.file:
            raise
        raise CaseError(f"{entry.name} raised {raised(error, entry.file)}") from error


def failed_record(case: Case, error: CaseError | UserError) -> Record:
    """Return the record of a case that ended with `error`: its settings, and no measurements."""
    return Record(
        case=str(case),
        architecture=case.architecture,
        family=architecture(case.architecture).family,
        settings=settings_of(case),
        status=error.outcome,
    )


def settings_of(case: Case) -> dict[str, Any]:
    """Return the case's own settings as JSON values."""
    return {"question": case.question, **asdict(case)}
