"""How `measure` ends a test: what it refuses, skips, fails, and takes over from an interrupted run, without torch."""

import gc
import weakref
from dataclasses import replace
from types import SimpleNamespace

import pytest
from plugin_items import item_of
from record_builders import accuracy, measurement, record

from vitcnn import LatencyCase, measuring
from vitcnn.device import Device
from vitcnn.errors import Leaked, MissingData, NoCompiler, OutOfMemory, UserError
from vitcnn.measuring.own_benchmark import OwnBenchmark
from vitcnn.processes.fresh import Request
from vitcnn.pytest_plugin.counting_instructions import COUNTED
from vitcnn.pytest_plugin.ledger import ENDING, RECORD, RESUMED, ROW, Ending
from vitcnn.pytest_plugin.measuring import (
    CLEAN_STATE,
    MEASURED,
    Measure,
    check_clean,
    end_unmeasured,
    lacks_energy,
    timed_by,
)
from vitcnn.pytest_plugin.taking_turns import TURNS
from vitcnn.pytest_plugin.tracing import TRACING
from vitcnn.record.answers import answers
from vitcnn.tasks import Tasks


class Clock:
    """Stands in for pytest-benchmark's fixture: each round takes `seconds`."""

    def __init__(self, *, enabled=True, seconds=0.5):
        self.enabled, self.seconds = enabled, seconds
        self.has_error, self.stats = False, None

    def pedantic(self, run, *, rounds, iterations, setup=None, teardown=None):
        if rounds < 1:
            raise ValueError("Must have rounds > 0")  # as pytest-benchmark says
        self.calls = iterations
        for _ in range(rounds):
            for step in (setup, run, teardown):
                if step:
                    step()
        self.stats = {"data": [self.seconds] * rounds} if self.enabled else None


def item(*marks, name="test_ant"):
    return item_of(name, marks=marks, option=SimpleNamespace(benchmark_disable_gc=False))


@pytest.fixture
def ant():
    return item()


@pytest.fixture
def measure_of(tmp_path):
    def make(found, clock=None, *, asked=(), resumed=None, energy=False, request=None):
        options = SimpleNamespace(
            device=Device(name="cpu", key="cpu-test-1t"),
            tasks=Tasks(tmp_path, asked=asked),
            request=request,
            energy=energy,
            resumed=resumed,
            out=tmp_path,
        )
        return Measure(found, options, clock or Clock())

    return make


def raising(error):
    def run():
        raise error

    return run


def test_a_function_that_was_timed_leaves_its_record_and_its_row(ant, measure_of):
    clock = Clock()
    found = measure_of(ant, clock).time(int, images=4)
    assert (found.case, found.status, found.settings["images"]) == ("test_mini.py::test_ant", "ok", 4)
    assert set(found.samples("latency_s")) == {0.5}
    assert (ant.stash[RECORD], ant.stash[ROW]) == (found, clock.stats)
    assert (clock.has_error, ENDING in ant.stash) == (False, False)


def test_a_second_call_is_refused_and_one_of_another_try_too(ant, measure_of):
    measure = measure_of(ant)
    measure.time(int)
    with pytest.raises(UserError, match="a second call"):
        measure.time(int)
    with pytest.raises(UserError, match="a test that was measured before"):
        measure_of(ant).time(int)


def test_another_test_may_measure_as_well(ant, measure_of):
    measure_of(ant).time(int)
    assert measure_of(item()).time(int).status == "ok"


@pytest.mark.parametrize("images", [0, -1, 1.5, True, "4"])
def test_images_are_counted_from_one(ant, measure_of, images):
    with pytest.raises(UserError, match="images"):
        measure_of(ant).time(int, images=images)


def test_what_cannot_be_called_is_refused(ant, measure_of):
    with pytest.raises(UserError, match="a function without arguments"):
        measure_of(ant).time(3)
    assert RECORD not in ant.stash


@pytest.mark.parametrize(
    "error, outcome",
    [
        (OutOfMemory("no 80 GiB"), "out_of_memory"),
        (MemoryError("no 80 GiB"), "out_of_memory"),
        (UserError(field="px", value=3, allowed="28", do="Correct it."), "failed"),
    ],
)
def test_an_error_of_our_own_fails_the_test_and_is_recorded_as_what_it_is(ant, measure_of, error, outcome):
    clock = Clock()
    with pytest.raises(pytest.fail.Exception) as failed:
        measure_of(ant, clock).time(raising(error))
    assert not failed.value.pytrace
    assert ant.stash[ENDING] == Ending(outcome, str(failed.value))
    assert (ant.stash[RECORD].status, ant.stash[RECORD].measurements) == (outcome, ())
    assert (clock.has_error, ROW in ant.stash) == (True, False)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_clock_that_tells_no_time_fails_the_test(ant, measure_of, seconds):
    with pytest.raises(pytest.fail.Exception, match="check the clock"):
        measure_of(ant, Clock(seconds=seconds)).time(int)
    assert ant.stash[ENDING].outcome == "failed"


@pytest.mark.parametrize("error", [KeyError("weights"), SystemExit(0), pytest.skip.Exception("no such kernel")])
def test_any_other_error_stays_what_it_is_and_leaves_no_record_and_no_row(ant, measure_of, error):
    clock = Clock()
    with pytest.raises(type(error)):
        measure_of(ant, clock).time(raising(error))
    assert (clock.has_error, RECORD in ant.stash, ROW in ant.stash) == (True, False, False)


def test_with_the_clock_off_nothing_is_recorded(ant, measure_of):
    assert measure_of(ant, Clock(enabled=False)).time(int).measurements == ()
    assert ant.stash[ENDING] == Ending("disabled", "nothing is timed with --benchmark-disable or xdist")
    assert (RECORD in ant.stash, ROW in ant.stash) == (False, False)


def test_what_cannot_be_measured_here_is_skipped(ant, measure_of):
    clock = Clock()
    with pytest.raises(pytest.skip.Exception, match="no compiler"):
        measure_of(ant, clock).time(raising(NoCompiler("no compiler")))
    assert (clock.has_error, RECORD in ant.stash) == (True, False)


@pytest.mark.parametrize(
    "missing, ending",
    [
        (MissingData("mnist", "not here"), pytest.fail.Exception),
        (MissingData("cifar10", "not here"), pytest.skip.Exception),
        (MissingData("", "no weights"), pytest.skip.Exception),
        (NoCompiler("mnist"), pytest.skip.Exception),
    ],
)
def test_data_that_cannot_be_had_fail_a_test_where_they_were_asked_for(tmp_path, missing, ending):
    with pytest.raises(ending, match=str(missing)) as ended:
        end_unmeasured(missing, Tasks(tmp_path, asked=("mnist",)))
    assert ended.value.__suppress_context__
    assert ending is pytest.skip.Exception or not ended.value.pytrace


class Large:
    """Stands for what fills the memory of a device."""


@pytest.mark.parametrize("has_cause", [True, False])
def test_what_failed_holds_no_memory_even_while_pytest_keeps_its_error(ant, measure_of, has_cause):
    seen, errors = [], []

    def inner():
        large = Large()
        seen.append(weakref.ref(large))
        raise ValueError("the library's own")

    def outer():
        large = Large()
        seen.append(weakref.ref(large))
        try:
            inner()
        except ValueError as error:
            errors.append(OutOfMemory("no 80 GiB"))
            raise errors[0] from error if has_cause else None

    with pytest.raises(pytest.fail.Exception):
        measure_of(ant).time(outer)
    assert [large() for large in seen] == [None, None]


@pytest.mark.parametrize("request_, block", [(None, 0), (Request(), 0), (Request(seed_block=2), 2)])
def test_the_seeds_are_those_that_the_session_was_asked_for(ant, measure_of, request_, block):
    assert measure_of(ant, request=request_)._bench.seed_block == block


class State:
    def __init__(self, *, leak=None):
        self.leak = leak

    def check(self):
        if self.leak:
            raise self.leak


def left_behind(*keys):
    found = item()
    values = {RECORD: record("latency/lenet"), CLEAN_STATE: State(leak=Leaked("8 MB are left")), ENDING: "known"}
    for key in keys:
        found.stash[key] = values[key]
    return found


def test_a_test_that_left_memory_behind_fails_and_is_recorded_so():
    found = left_behind(RECORD, CLEAN_STATE)
    with pytest.raises(pytest.fail.Exception, match="8 MB are left") as failed:
        check_clean(found)
    assert not failed.value.pytrace
    assert found.stash[ENDING] == Ending("leaked", "8 MB are left")


@pytest.mark.parametrize("keys", [(RECORD, CLEAN_STATE, ENDING), (CLEAN_STATE,), (RECORD,), ()])
def test_only_what_passed_is_searched_for_memory_left_behind(keys):
    found = left_behind(*keys)
    check_clean(found)
    assert (ENDING in found.stash) == (ENDING in keys)


def test_a_test_that_leaves_nothing_behind_stays_passed():
    found = left_behind(RECORD)
    found.stash[CLEAN_STATE] = State()
    check_clean(found)
    assert ENDING not in found.stash


def strange_clock():
    return 0.0


def test_a_time_names_its_clock_and_garbage_that_was_not_collected(ant):
    def marked(**how):
        return item(SimpleNamespace(name="benchmark", kwargs=how))

    def garbage(found):
        return timed_by(found).get("garbage")

    assert timed_by(marked(timer=strange_clock))["timer"].endswith(".strange_clock")
    assert (garbage(ant), garbage(marked(disable_gc=True)), garbage(marked(group="x"))) == (None, "not collected", None)
    ant.config.option.benchmark_disable_gc = True
    assert garbage(ant) == "not collected"
    gc.disable()
    try:
        assert garbage(item()) == "not collected"
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({"question": "latency"}, True),
        ({"question": "latency", "energy": {}}, False),
        ({"question": "accuracy"}, False),
        ({"question": "own"}, False),
    ],
)
def test_energy_is_lacking_where_its_question_can_be_asked_and_was_not(settings, expected):
    assert lacks_energy(record("a case", **settings)) is expected


def interrupted(found, **settings):
    """Return what an interrupted run measured of an item, in rounds of 2 s."""
    name = found.nodeid
    own = OwnBenchmark(id=name, architecture="", run=int, images=1)
    before = own.record("ok", rounds=5, calls_per_round=3, **{**timed_by(found), **settings})
    return SimpleNamespace(records={name: before}, times_s={name: (2.0,) * 5}, wall_s={name: 12.5})


def test_what_an_interrupted_run_measured_is_taken_over_and_not_run_again(ant, measure_of):
    clock = Clock()
    found = measure_of(ant, clock, resumed=interrupted(ant)).time(raising(AssertionError("must not run")))
    assert found.settings["calls_per_round"] == 3
    assert (ant.stash[RECORD], ant.stash[ROW]["data"], ant.stash[RESUMED]) == (found, [2.0] * 5, 12.5)


def test_what_was_measured_otherwise_than_now_is_measured_again(ant, measure_of):
    for before in (
        interrupted(ant, images=2),
        interrupted(ant, timer="process_time"),
        interrupted(item(name="test_bee")),
    ):
        found = measure_of(item(), resumed=before).time(int)
        assert found.settings["images"] == 1
        assert set(found.samples("latency_s")) == {0.5}


def test_with_the_clock_off_nothing_is_taken_over(ant, measure_of):
    measure_of(ant, Clock(enabled=False), resumed=interrupted(ant)).time(int)
    assert RESUMED not in ant.stash


def test_a_case_whose_energy_is_asked_for_now_alone_is_measured_again(ant, measure_of):
    before = interrupted(ant)
    before.records[ant.nodeid] = replace(before.records[ant.nodeid], settings={"question": "latency", **timed_by(ant)})
    measure = measure_of(ant, resumed=before, energy=True)
    assert measure._resumed({"question": "latency"}) is None
    assert measure_of(ant, resumed=interrupted(ant), energy=True).time(int).settings["rounds"] == 5


CASE = LatencyCase(architecture="lenet", px=28, batch=1)
SETTINGS = {"question": "latency", "rounds": 5, "calls_per_round": 3}


class Runner:
    """Stands in for what measures a case, which needs torch: its times are those of the stopwatch."""

    def __init__(self):
        self.error, self.asked = None, []

    def settings_of(self, case):
        return {"question": case.question}

    def measure(self, case, *, bench, stopwatch, floor_bytes, trace):
        self.asked.append((case, bench.device.key, floor_bytes, trace))
        if self.error:
            raise self.error
        times_s = stopwatch(int, rounds=5, calls=3)
        return record(str(case), measurement("latency_s", *times_s), **SETTINGS)

    def failed_record(self, case, error):
        return replace(record(str(case)), status=error.outcome)


@pytest.fixture
def runner(monkeypatch):
    found = Runner()
    monkeypatch.setattr(measuring, "runner", found, raising=False)
    return found


def case_item():
    found = item_of("test_bee[b]", case=CASE, option=SimpleNamespace(benchmark_disable_gc=False))
    found.stash[CLEAN_STATE] = SimpleNamespace(floor_bytes=7)
    return found


def test_a_case_is_measured_by_the_clock_of_its_session_and_leaves_its_record(runner, measure_of):
    found, clock = case_item(), Clock()
    made = measure_of(found, clock)(CASE)
    assert runner.asked == [(CASE, "cpu-test-1t", 7, None)]
    assert (made.samples("latency_s"), made.settings["timer"]) == ((0.5,) * 5, timed_by(found)["timer"])
    assert (found.stash[RECORD], found.stash[ROW]) == (made, clock.stats)


def test_a_case_is_traced_where_traces_are_asked_for(runner, measure_of):
    found = case_item()
    found.session = "the session"
    found.config.stash[TRACING] = SimpleNamespace(of_case=lambda session, progress: (session, callable(progress)))
    measure_of(found)(CASE)
    assert runner.asked[0][3] == ("the session", True)


def test_the_instructions_that_were_counted_of_a_case_are_part_of_its_record(runner, measure_of, monkeypatch):
    monkeypatch.setattr("vitcnn.pytest_plugin.counting_instructions.instructions_counted_with", dict)  # it needs torch
    found = case_item()
    found.config.stash[COUNTED] = {str(CASE): 12.0}
    assert measure_of(found)(CASE).samples("instructions") == (12.0,)


def test_a_case_that_fails_has_a_record_that_says_so(runner, measure_of):
    found, runner.error = case_item(), OutOfMemory("no 80 GiB")
    with pytest.raises(pytest.fail.Exception, match="no 80 GiB"):
        measure_of(found)(CASE)
    assert (found.stash[RECORD].case, found.stash[RECORD].status) == (str(CASE), "out_of_memory")


@pytest.mark.parametrize("value", [int, "latency/lenet", None])
def test_what_is_no_case_is_refused_with_what_times_a_function(runner, ant, measure_of, value):
    with pytest.raises(UserError, match=r"a case, such as LatencyCase.*measure.time\(function\)"):
        measure_of(ant)(value)
    assert MEASURED not in ant.stash


def test_a_case_that_an_interrupted_run_measured_is_not_measured_again(runner, measure_of):
    found = case_item()
    before = record(str(CASE), measurement("latency_s", 2.0), **SETTINGS, **timed_by(found))
    taken = SimpleNamespace(
        records={str(CASE): before}, times_s={str(CASE): (2.0,)}, wall_s={str(CASE): 1.0}, remarks=()
    )
    assert measure_of(found, resumed=taken)(CASE).samples("latency_s") == (2.0,)
    assert runner.asked == []
    with pytest.raises(UserError, match="a test that was measured before"):
        measure_of(found, resumed=taken)(CASE)


class Turns:
    """Stands in for turns with another session: both do three rounds of four calls."""

    def __init__(self):
        self.said = []

    def plan(self, *_own):
        return 3, 4

    def around(self, after_round):
        self.said.append(after_round)
        return lambda: self.said.append("next")


def test_a_session_that_takes_turns_measures_what_both_agreed_on_and_waits_behind_each_round(ant, measure_of):
    turns = ant.config.stash[TURNS] = Turns()
    clock = Clock()
    found = measure_of(ant, clock).time(int)
    assert (found.settings["rounds"], found.settings["calls_per_round"], clock.calls) == (3, 4, 4)
    assert turns.said == [None, "next", "next", "next"]


def test_what_a_case_does_behind_a_round_is_part_of_its_turn(ant, measure_of):
    turns = ant.config.stash[TURNS] = Turns()
    measure_of(ant)._stopwatch(int, rounds=1, calls=1, after_round=len)
    assert turns.said == [len, "next"]


@pytest.mark.parametrize("task, ending", [("mnist", pytest.fail.Exception), ("cifar10", pytest.skip.Exception)])
def test_a_test_without_its_data_fails_where_they_were_asked_for(ant, measure_of, task, ending):
    with pytest.raises(ending, match="not here"):
        measure_of(ant, asked=("mnist",)).time(raising(MissingData(task, "not here")))


def test_the_clock_does_what_a_case_wants_before_and_after_its_rounds(ant, measure_of):
    seen = []
    measure_of(ant)._stopwatch(
        lambda: seen.append("round"),
        rounds=2,
        calls=1,
        before_round=lambda: seen.append("before"),
        after_round=lambda: seen.append("after"),
    )
    assert seen == ["before", "round", "after"] * 2


def test_a_function_is_traced_where_traces_are_asked_for(ant, measure_of):
    seen, ant.session = [], "the session"
    ant.config.stash[TRACING] = SimpleNamespace(of_function=lambda *what: seen.append(what))
    found = measure_of(ant).time(int)
    (traced,) = seen
    assert (traced[0], traced[1].case, traced[2], traced[3].key) == ("the session", found.case, int, "cpu-test-1t")


def test_a_time_of_an_architecture_is_recorded_as_its(measure_of):
    found = item()
    found.callspec = SimpleNamespace(params={"architecture": "lenet"})
    assert measure_of(found).time(int).architecture == "lenet"
    assert measure_of(item()).time(int).architecture == ""


def test_a_case_takes_its_data_progress_and_energy_from_its_session(ant, measure_of):
    bench = measure_of(ant, asked=("digits",), energy=True)._bench
    assert (bench.tasks.asked, bench.energy, callable(bench.progress)) == (("digits",), True, True)


def test_answers_of_a_case_lie_beside_the_run_that_measured_it_and_come_along_to_another(runner, measure_of, tmp_path):
    found, again = case_item(), case_item()
    right = replace(accuracy("lenet", right=[[1, 0]]), case=str(CASE))
    runner.measure = lambda _case, **_how: replace(right, settings={**right.settings, **SETTINGS})
    before = measure_of(found)(CASE)
    assert answers(before).right.tolist() == [[True, False]]
    taken = SimpleNamespace(records={str(CASE): before}, times_s={str(CASE): (2.0,)}, wall_s={str(CASE): 1.0})
    other = measure_of(again, resumed=taken)
    other._options.out = tmp_path / "other"
    clock = other._benchmark
    kept = other(CASE)
    assert kept.folder == tmp_path / "other"
    assert answers(kept).right.tolist() == answers(before).right.tolist()
    assert clock.calls == SETTINGS["calls_per_round"]
