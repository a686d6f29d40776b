"""The `measure` fixture: times a case, or a function of the user's own, with pytest-benchmark's clock."""

from __future__ import annotations

import gc
import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NoReturn

import pytest

from vitcnn.bench import Bench, as_planned
from vitcnn.device import CleanState, numerics
from vitcnn.errors import CaseError, Leaked, MissingData, NotMeasurable, UserError
from vitcnn.fields import require_count
from vitcnn.measuring.accounting import require_case, storable
from vitcnn.measuring.stopwatch import how_timed, require_times
from vitcnn.metrics.energy import JOULES_PER_IMAGE
from vitcnn.pytest_plugin.counting_instructions import with_instructions
from vitcnn.pytest_plugin.ledger import ENDING, RECORD, RESUMED, ROW, Ending, case_id
from vitcnn.pytest_plugin.options import Options
from vitcnn.pytest_plugin.taking_turns import TURNS
from vitcnn.pytest_plugin.telling_time import progress_of
from vitcnn.pytest_plugin.tracing import TRACING
from vitcnn.questions import questions
from vitcnn.record import CaseResult, Record
from vitcnn.record.answers import copy_answers, with_answers_in_file
from vitcnn.tasks import Tasks

CLEAN_STATE = pytest.StashKey[CleanState]()


MEASURED = pytest.StashKey[bool]()
"""Set for good when a test begins to measure."""


class Measure:
    """`measure(case)` measures a case; `measure.time(function)` times any function. Once a test."""

    def __init__(self, item: pytest.Item, options: Options, benchmark: Any) -> None:
        self._item = item
        self._turns = item.config.stash.get(TURNS, None)
        self._tracing = item.config.stash.get(TRACING, None)
        self._bench = Bench(
            device=options.device,
            tasks=options.tasks,
            progress=progress_of(item.config),
            seed_block=options.request.seed_block if options.request else 0,
            agreed=self._turns.plan if self._turns else as_planned,
            energy=options.energy,
        )
        self._benchmark, self._options = benchmark, options
        self._used = False

    def __call__(self, case: object) -> Record:
        """Measure `case`, a Case, and return its record."""
        from vitcnn.measuring import runner

        case = require_case(case, do="Use measure.time(function) to time a function.")
        self._require_first_use()
        known = self._resumed(runner.settings_of(case))
        if known:
            return known

        def measure() -> Record:
            record = runner.measure(
                case,
                bench=self._bench,
                stopwatch=self._stopwatch,
                floor_bytes=self._item.stash[CLEAN_STATE].floor_bytes,
                trace=self._tracing.of_case(self._item.session, self._bench.progress) if self._tracing else None,
            )
            return with_instructions(record, self._item.config)

        return self._account(measure, failed=lambda error: runner.failed_record(case, error))

    def time(self, run: Callable[[], object], *, images: int = 1) -> Record:
        """Time `run`, which processes `images` images a call, and return its record.

        It is called three times to warm up, then for about 1 s: at least 5 rounds, at most 50.
        """
        from vitcnn.measuring.own_benchmark import OwnBenchmark

        require_callable(run)
        require_count("images", images)
        self._require_first_use()
        known = self._resumed({"question": "own", "images": images})
        if known:
            return known
        name = self._params.get("architecture", "")
        own = OwnBenchmark(id=case_id(self._item), architecture=name, run=run, images=images)

        def measure() -> Record:
            record = own.measure(device=self._bench.device, stopwatch=self._stopwatch, agreed=self._bench.agreed)
            if self._tracing:
                with numerics(self._bench.device):  # as it was timed
                    self._tracing.of_function(self._item.session, record, run, self._bench.device)
            return record

        return self._account(measure, failed=lambda error: own.record(error.outcome))

    def _resumed(self, settings: Mapping[str, Any]) -> Record | None:
        """Return what an interrupted run measured of this case by the same settings; None where it is to be measured.

        pytest-benchmark's row is made of the seconds of the rounds as they were then.
        """
        taken, name = self._options.resumed, case_id(self._item)
        record = taken.records.get(name) if taken and self._benchmark.enabled else None
        wanted = json.loads(json.dumps({**settings, **timed_by(self._item)}))
        if taken is None or record is None or not wanted.items() <= record.settings.items():
            return None
        if self._options.energy and lacks_energy(record):
            return None
        copy_answers([CaseResult(id=name, outcome="passed", record=record)], self._options.out)
        self._benchmark.pedantic(_nothing, rounds=1, iterations=record.settings["calls_per_round"])
        row = self._benchmark.stats
        row["data"][:] = taken.times_s[name]
        self._item.stash[RECORD] = replace(record, folder=self._options.out)
        self._item.stash[ROW], self._item.stash[RESUMED] = row, taken.wall_s[name]
        return self._item.stash[RECORD]

    def _require_first_use(self) -> None:
        if self._used:
            do = "Write one test for each call, or parametrise the test."
            raise UserError(field="measure", value="a second call", allowed="one call a test", do=do)
        self._used = True
        if MEASURED in self._item.stash:
            do = "A plugin or a conftest repeats this test, and only the last try would count: switch that off."
            raise UserError(field="measure", value="a test that was measured before", allowed="each test once", do=do)
        self._item.stash[MEASURED] = True

    @property
    def _params(self) -> dict[str, Any]:
        callspec = getattr(self._item, "callspec", None)
        return dict(callspec.params) if callspec else {}

    def _stopwatch(
        self,
        run: Callable[[], object],
        *,
        rounds: int,
        calls: int,
        before_round: Callable[[], None] | None = None,
        after_round: Callable[[], None] | None = None,
    ) -> tuple[float, ...]:
        """Return the seconds of each round by pytest-benchmark; none where it is disabled.

        Turns are waited for after a round, since pytest-benchmark does nothing before a round of several calls.
        """
        if self._turns:
            after_round = self._turns.around(after_round)
        self._benchmark.pedantic(run, rounds=rounds, iterations=calls, setup=before_round, teardown=after_round)
        times_s = tuple(self._benchmark.stats["data"]) if self._benchmark.enabled else ()
        require_times(times_s)
        return times_s

    def _account(self, measure: Callable[[], Record], *, failed: Callable[[CaseError | UserError], Record]) -> Record:
        """Keep the record that `measure` returns; turn our own errors into a failed test whose memory is let go."""
        stash = self._item.stash
        try:
            record = storable(measure)
        except (CaseError, UserError) as error:
            self._benchmark.has_error = True
            stash[RECORD] = failed(error)
            stash[ENDING] = Ending(error.outcome, str(error))
            failure = str(error)
            _let_go(error)
        except NotMeasurable as error:
            self._benchmark.has_error = True
            end_unmeasured(error, self._bench.tasks)
        except BaseException:
            self._benchmark.has_error = True  # else pytest-benchmark counts the row, and crashes on an empty one
            raise
        else:
            if self._benchmark.enabled:
                record = replace(record, settings={**record.settings, **timed_by(self._item)})
                record = with_answers_in_file(record, self._options.out)
                stash[RECORD], stash[ROW] = record, self._benchmark.stats
            else:
                stash[ENDING] = Ending("disabled", "nothing is timed with --benchmark-disable or xdist")
            return record
        pytest.fail(failure, pytrace=False)


def _nothing() -> None:
    """Stand for a function that was timed before."""


def end_unmeasured(reason: NotMeasurable, tasks: Tasks) -> NoReturn:
    """Skip a test that cannot be measured here; fail it where --task asked for data that cannot be had.

    `from None`, so that pytest shows the message alone.
    """
    if isinstance(reason, MissingData) and reason.task in tasks.asked:
        raise pytest.fail.Exception(str(reason), pytrace=False) from None
    raise pytest.skip.Exception(str(reason)) from None


def timed_by(item: pytest.Item) -> dict[str, str]:
    """Return what a time of an item means nothing without: the clock's name, uncollected garbage, unusual modes."""
    marker = item.get_closest_marker("benchmark")
    settings = marker.kwargs if marker else {}
    is_off = settings.get("disable_gc", item.config.option.benchmark_disable_gc) or not gc.isenabled()
    return how_timed(settings.get("timer"), collects_garbage=not is_off)


def lacks_energy(record: Record) -> bool:
    """Whether the energy of a record's case is a question, and was not asked when it was measured."""
    question = questions().get(str(record.settings["question"]))
    return question is not None and JOULES_PER_IMAGE.reads in question.provides and "energy" not in record.settings


def require_callable(run: object) -> None:
    """Raise UserError where `run` cannot be called."""
    if not callable(run):
        do = "Write for example measure.time(lambda: model(images))."
        raise UserError(field="measure.time(run)", value=run, allowed="a function without arguments", do=do)


def _let_go(error: BaseException | None) -> None:
    """Clear the frames behind an error, so that what they hold does not stay allocated for the next case."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def check_clean(item: pytest.Item) -> None:
    """Fail an item that passed and left memory allocated, naming what it left."""
    if ENDING in item.stash or RECORD not in item.stash or CLEAN_STATE not in item.stash:
        return
    try:
        item.stash[CLEAN_STATE].check()
    except Leaked as leak:
        item.stash[ENDING] = Ending(leak.outcome, str(leak))
        pytest.fail(str(leak), pytrace=False)
