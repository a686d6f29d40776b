import json
from concurrent.futures import Future
from itertools import chain, cycle

import pytest
import torch

from vitcnn.errors import CaseError, OutOfMemory, UnknownName
from vitcnn.measuring.own_benchmark import OwnBenchmark
from vitcnn.record import Record

WARM_UP_AND_COUNTING = 3 + 2


def stopwatch_of(*times_s):
    def stopwatch(run, *, rounds, calls, before_round=None, after_round=None):
        for _ in range(rounds * calls):
            run()
        return times_s

    return stopwatch


def benchmark(run, *, architecture="", images=8):
    return OwnBenchmark(id="tests/test_mine.py::test_mine", architecture=architecture, run=run, images=images)


def test_record_holds_latency_and_images_a_second(cpu):
    record = benchmark(lambda: None).measure(device=cpu, stopwatch=stopwatch_of(0.5, 0.25))
    assert (record.case, record.status) == ("tests/test_mine.py::test_mine", "ok")
    assert record.samples("latency_s") == (0.5, 0.25)
    assert record.samples("images_per_s") == (16.0, 32.0)
    assert {m.metric: m.better for m in record.measurements} == {"latency_s": "lower", "images_per_s": "higher"}


def test_what_uses_torch_is_counted_too(cpu):
    ones = torch.ones(8)
    record = benchmark(lambda: (ones + ones).clone()).measure(device=cpu, stopwatch=stopwatch_of(0.5))
    counts = {m.metric: m.samples for m in record.measurements if m.unit in ("1", "B")}
    assert counts == {"operators": (2,), "allocated_bytes": (2 * 8 * 4,), "synchronisations": (0,)}
    assert record.settings["counted_with"] == {"torch": torch.__version__}


def test_what_differs_from_call_to_call_is_no_count(cpu):
    sizes = cycle(range(1, 8))
    record = benchmark(lambda: torch.ones(next(sizes))).measure(device=cpu, stopwatch=stopwatch_of(0.5))
    assert {m.metric for m in record.measurements} == {"latency_s", "images_per_s"}
    assert "counted_with" not in record.settings


@pytest.mark.parametrize(
    "result, kind",
    [
        (map(abs, [1]), "map"),
        (chain([1], [2]), "chain"),
        (([1], (n for n in [1])), "generator"),
        ({"answers": [iter([1])]}, "list_iterator"),
        ([Future()], "Future"),
    ],
)
def test_work_that_is_left_for_later_fails_the_case_however_it_is_wrapped(cpu, result, kind):
    with pytest.raises(CaseError, match=f"the function returned a {kind}"):
        benchmark(lambda: result).measure(device=cpu, stopwatch=stopwatch_of(0.5))


@pytest.mark.parametrize("result", [[1, (2, {"three": 3})], "text", range(9), [iter([1])] * 1_000, {1: torch.ones(2)}])
def test_results_that_are_there_are_taken(cpu, result):
    assert benchmark(lambda: result).measure(device=cpu, stopwatch=stopwatch_of(0.5)).status == "ok"


def test_record_says_how_it_was_timed_and_is_json(cpu):
    calls = []
    record = benchmark(lambda: calls.append(1)).measure(device=cpu, stopwatch=stopwatch_of(0.5))
    settings = record.settings
    assert (settings["question"], settings["images"]) == ("own", 8)
    assert 5 <= settings["rounds"] <= 50
    assert len(calls) == WARM_UP_AND_COUNTING + settings["rounds"] * settings["calls_per_round"]
    assert Record.from_json(json.loads(json.dumps(record.to_json()))) == record


@pytest.mark.parametrize("name, family", [("", ""), ("lenet", "cnn"), ("vit_tiny", "vit")])
def test_family_comes_from_the_architecture(cpu, name, family):
    record = benchmark(lambda: None, architecture=name).measure(device=cpu, stopwatch=stopwatch_of(1.0))
    assert (record.architecture, record.family) == (name, family)


def test_a_misspelt_architecture_is_unknown(cpu):
    with pytest.raises(UnknownName, match="Did you mean lenet"):
        benchmark(lambda: None, architecture="lenett").measure(device=cpu, stopwatch=stopwatch_of(1.0))


@pytest.mark.parametrize("future", [Future, torch.futures.Future])
def test_work_that_has_not_ended_is_not_timed(cpu, future):
    with pytest.raises(CaseError, match="returned a Future whose work has not ended: wait for its result"):
        benchmark(future).measure(device=cpu, stopwatch=stopwatch_of(1.0))


def test_a_future_whose_work_has_ended_is_timed(cpu):
    future = Future()
    future.set_result(3)
    assert benchmark(lambda: future).measure(device=cpu, stopwatch=stopwatch_of(1.0)).status == "ok"


def test_nothing_timed_leaves_no_measurements(cpu):
    assert benchmark(lambda: None).measure(device=cpu, stopwatch=stopwatch_of()).measurements == ()


def test_running_out_of_memory_is_a_case_error(cpu):
    def run():
        raise MemoryError("no room")

    with pytest.raises(OutOfMemory, match="out of memory on cpu: no room; choose a smaller batch"):
        benchmark(run).measure(device=cpu, stopwatch=stopwatch_of(1.0))


def test_other_errors_pass_through(cpu):
    def run():
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        benchmark(run).measure(device=cpu, stopwatch=stopwatch_of(1.0))


def test_record_of_a_benchmark_that_failed():
    record = benchmark(lambda: None).record("out_of_memory")
    assert (record.status, record.measurements) == ("out_of_memory", ())
    assert record.settings == {"question": "own", "images": 8}
