"""Measures a case from Python without pytest, for notebooks and scripts."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from vitcnn import architectures, recipes
from vitcnn.bench import Bench
from vitcnn.bench.obstacles import require_input, require_weights
from vitcnn.device import CleanState, resolve
from vitcnn.errors import CaseError
from vitcnn.measuring import runner
from vitcnn.measuring.accounting import freeze_what_is_imported, require_case, storable
from vitcnn.measuring.stopwatch import PlainStopwatch, how_timed
from vitcnn.progress import ProgressBar
from vitcnn.record import Record
from vitcnn.references import is_reference
from vitcnn.spec import Case, TrainedCase
from vitcnn.tasks import Tasks
from vitcnn.tasks import data_root as known_data_root


def measure(case: Case, *, device: str = "auto", data_root: Path | str | None = None) -> Record:
    """Measure a case and return its record, as `pytest benchmarks` would; nothing is stored.

    `device` is `auto`, `cpu`, `cuda` or `cuda:N`, and `data_root` the folder of data sets, as the options of these
    names. A bar shows how far training has come. The architecture, the task and the recipe may be the user's own,
    `FILE.py:NAME`.

    Raises UserError for what cannot be used, NotMeasurable (MissingData, TooFewImages, NoCompiler) where something that
    the case needs is not here, and CaseError (OutOfMemory, Diverged, Leaked) where it cannot be measured.
    """
    case = require_case(case, do="Such as measure(LatencyCase(architecture='resnet18', px=224, batch=1)).")
    place = resolve(device)
    tasks = Tasks(known_data_root(data_root), asked=[case.task] if isinstance(case, TrainedCase) else [], option="task")
    case = with_own(case, tasks)
    require_input(case, tasks)
    if isinstance(case, TrainedCase):
        require_weights("weights", recipes.recipe(case.recipe).weights, tasks)
    bench = Bench(device=place, tasks=tasks, progress=ProgressBar())
    with earlier_objects_aside():
        return measured(case, bench)


def measured(case: Case, bench: Bench) -> Record:
    """Return the record of a case; Leaked where it left memory allocated."""
    clean, timer = CleanState(bench.device), bench.device.timer

    def run() -> Record:
        stopwatch = PlainStopwatch(timer=timer)
        return runner.measure(case, bench=bench, stopwatch=stopwatch, floor_bytes=clean.floor_bytes)

    record = without_frames(lambda: storable(run))
    clean.check()
    return replace(record, settings={**record.settings, **how_timed(timer, collects_garbage=gc.isenabled())})


def without_frames(measure: Callable[[], Record]) -> Record:
    """Return the record; raise a CaseError without the frames behind it, which would keep the model allocated."""
    try:
        return measure()
    except CaseError as error:
        failure = error.with_traceback(None)
        failure.__cause__ = failure.__context__ = None
    raise failure


def with_own(case: Case, tasks: Tasks) -> Case:
    """Return the case by the names that ids show, where its architecture, task or recipe is the user's own."""
    if is_reference(case.architecture):
        case = replace(case, architecture=architectures.ask_for([case.architecture])[0])
    if isinstance(case, TrainedCase):
        recipe = recipes.ask_for([case.recipe])[0] if is_reference(case.recipe) else case.recipe
        case = replace(case, task=tasks.asked[0], recipe=recipe)
    return case


@contextmanager
def earlier_objects_aside() -> Iterator[None]:
    """Keep what was there before from being collected while a case is measured: it would take time of its rounds."""
    is_ours = gc.get_freeze_count() == 0
    freeze_what_is_imported()
    try:
        yield
    finally:
        if is_ours:
            gc.unfreeze()
