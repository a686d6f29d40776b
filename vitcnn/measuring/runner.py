"""Measures a case and returns its record: builds it, warms it up, times it and computes the metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from statistics import median
from typing import Any

from vitcnn.architectures import architecture
from vitcnn.bench import Bench
from vitcnn.bench.obstacles import require_compiler
from vitcnn.bench.rounds import Stopwatch
from vitcnn.bench.subject import Subject
from vitcnn.device import Growth, numerics, out_of_memory_as_case_error
from vitcnn.device.energy import energy_of
from vitcnn.device.meter import Unmetered
from vitcnn.device.observers import observing
from vitcnn.errors import CaseError, UserError, VitcnnError
from vitcnn.measuring.counting import Counts, counted_with, counts_of, fixed_draws, graphs_so_far
from vitcnn.questions import is_metered, metrics_of, prepared, question_of
from vitcnn.record import Record
from vitcnn.references import raised
from vitcnn.report.roofline import bound_of
from vitcnn.spec import Architecture, Case

NOT_COMPILED = (
    "torch.compile made no graph of it, so what would be measured is eager. Remove what turns the compiler off "
    "(torch.compiler.disable, torch._dynamo.config.disable, TORCHDYNAMO_DISABLE), or measure it eager"
)


def measure(
    case: Case, *, bench: Bench, stopwatch: Stopwatch, floor_bytes: int, trace: Callable[[Subject], None] | None = None
) -> Record:
    """Measure `case`. `floor_bytes` is what was allocated on the device before.

    `trace`, where there is one, is given the subject once everything is measured.

    Raises a CaseError where the case itself cannot be measured, MissingData where its data cannot be had: the other
    cases go on.
    """
    device = bench.device
    require_compiler(case, device)
    entry = architecture(case.architecture)
    with own_failures(entry), numerics(device), out_of_memory_as_case_error(device), forgetting_compiled_code(case):
        graphs_before = graphs_so_far() if case.mode == "compiled" else {}
        subject = prepared(case, bench)
        subject.floor_bytes = floor_bytes
        subject.rounds, subject.calls = bench.agreed(*subject.warm_up())
        graphs = {name: graphs_so_far()[name] - before for name, before in graphs_before.items()}
        growth = Growth(device) if is_metered(case) else None
        with observing(device) as observed:
            subject.times_s = stopwatch(
                subject.run,
                rounds=subject.rounds,
                calls=subject.calls,
                before_round=subject.before_round,
                after_round=subject.after_round,
            )
        if growth and subject.times_s:
            growth.check(subject.rounds * subject.calls)
        if case.mode == "compiled" and graphs_so_far()["graphs"] == graphs_before["graphs"]:
            raise CaseError(f"{entry.name}: {NOT_COMPILED}")
        if subject.times_s:
            subject.trained = subject.outcome() if subject.outcome else None
            subject.counts = {**counts(subject), **graphs}
            observed.update(with_energy(subject) if bench.energy else {})
        metrics = metrics_of(question_of(case)) if subject.times_s else []
        measurements = [measurement for metric in metrics for measurement in metric.of(subject)]
        if trace and subject.times_s:
            with fixed_draws(device):
                trace(subject)
    record = Record(
        case=str(case),
        architecture=case.architecture,
        family=subject.architecture.family,
        settings={
            **settings_of(case),
            **subject.settings,
            "cell": case.cell(),
            "rounds": subject.rounds,
            "calls_per_round": subject.calls,
            "counted_with": counted_with(device),
            **observed,
        },
        status="ok",
        measurements=tuple(measurements),
        series=tuple(subject.series(subject.trained)) if subject.series and subject.trained else (),
    )
    bound = bound_of(record)
    return replace(record, settings={**record.settings, "bound": asdict(bound)}) if bound else record


def counts(subject: Subject) -> Counts:
    """Return what a run, or what stands for it, asks for. What stands for a compiled run would be compiled anew."""
    on_device = subject.counted is None or subject.case.mode == "eager"
    run = subject.counted() if subject.counted else subject.run
    return counts_of(run, subject.device, on_device=on_device)


def with_energy(subject: Subject) -> dict[str, Any]:
    """Measure the energy of runs, if the case's question is about runs that can be repeated; return what settings say.

    `pass_s` is how long all of it took. Where the energy is unknown, they say why.
    """
    if not is_metered(subject.case):
        return {}
    start_s = time.perf_counter()
    try:
        subject.energy = energy_of(subject.run, subject.device, run_s=median(subject.times_s))
    except Unmetered as unmetered:
        return {"energy": {"unknown": str(unmetered)}}
    return {"energy": {**subject.energy.settings(), "pass_s": round(time.perf_counter() - start_s, 3)}}


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
