import time

import pytest
import torch

from vitcnn.device import event_times
from vitcnn.device.clock import synchronized_perf_counter


def test_the_clock_is_read_after_the_device_is_done(calls, monkeypatch):
    def read():
        calls.append("read")
        return 12.5

    monkeypatch.setattr(time, "perf_counter", read)
    assert synchronized_perf_counter() == 12.5
    assert calls == ["synchronize", "read"]


class StreamEvent:
    """Stands in for a CUDA event: its time is the milliseconds of work that were launched before it."""

    launched_ms = 0.0

    def __init__(self, *, enable_timing):
        assert enable_timing

    def record(self):
        self.at_ms = StreamEvent.launched_ms

    def elapsed_time(self, end):
        return end.at_ms - self.at_ms


def test_event_times_are_seconds_a_call_of_each_round(calls, monkeypatch):
    monkeypatch.setattr(torch.cuda, "Event", StreamEvent)
    monkeypatch.setattr(StreamEvent, "launched_ms", 100.0)
    work_ms = iter([1.0, 3.0, 5.0, 7.0])  # two rounds of two calls

    def run():
        StreamEvent.launched_ms += next(work_ms)

    assert event_times(run, rounds=2, iterations=2) == pytest.approx((0.002, 0.006))
    assert calls == ["synchronize"], "events are read when the device is done, and nothing waits in between"
