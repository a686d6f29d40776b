import gc
import sys
import time

import pytest

from vitcnn.errors import CaseError
from vitcnn.measuring.stopwatch import PlainStopwatch, how_timed


class Clock:
    """A clock that goes on only by what is called, and what was called in turn."""

    def __init__(self):
        self.now, self.seen = 0.0, []

    def __call__(self):
        return self.now

    def taking(self, name, seconds):
        def call():
            self.now += seconds
            self.seen.append(name)

        return call


def test_a_round_is_the_time_of_a_call_without_what_is_done_around_it():
    clock = Clock()
    run, before, after = clock.taking("run", 3.0), clock.taking("before", 100.0), clock.taking("after", 1000.0)
    times_s = PlainStopwatch(timer=clock)(run, rounds=2, calls=3, before_round=before, after_round=after)
    assert times_s == (3.0, 3.0)
    assert clock.seen == ["before", "run", "run", "run", "after"] * 2


def test_nothing_looks_on_while_the_clock_runs_and_everything_does_afterwards():
    clock, seen = Clock(), []

    def watch(_frame, _event, _arg):
        return None

    def run():
        clock.now += 1
        seen.append((sys.gettrace(), sys.getprofile()))

    before = sys.gettrace(), sys.getprofile()
    try:
        sys.settrace(watch)
        sys.setprofile(watch)
        PlainStopwatch(timer=clock)(run, rounds=1, calls=1)
        after = sys.gettrace(), sys.getprofile()
    finally:
        sys.settrace(before[0])
        sys.setprofile(before[1])
    assert seen == [(None, None)]
    assert after == (watch, watch)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_clock_that_tells_no_time_is_an_error(seconds):
    clock = Clock()
    with pytest.raises(CaseError, match="check the clock"):
        PlainStopwatch(timer=clock)(clock.taking("run", seconds), rounds=1, calls=1)


def test_it_is_said_in_which_modes_a_time_was_taken():
    assert how_timed(time.perf_counter, collects_garbage=True) == {"timer": "perf_counter"}
    before = gc.get_threshold()
    try:
        gc.set_threshold(99)
        found = how_timed(time.perf_counter, collects_garbage=False)
    finally:
        gc.set_threshold(*before)
    modes = f"gc.set_threshold(99, {before[1]}, {before[2]})"
    assert found == {"timer": "perf_counter", "garbage": "not collected", "modes": modes}
