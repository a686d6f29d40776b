"""`--trace DIR` beside pytest's own switch of that name."""

import pytest

from vitcnn.processes.trace_option import without_trace


@pytest.mark.parametrize(
    "given, left, folders",
    [
        ("benchmarks --trace runs -k latency", "benchmarks -k latency", ("runs",)),
        ("--trace runs", "", ("runs",)),
        ("benchmarks --trace a --trace b", "benchmarks", ("a", "b")),
        ("benchmarks --trace", "benchmarks --trace", ()),
        ("benchmarks --trace -k latency", "benchmarks --trace -k latency", ()),
        ("benchmarks", "benchmarks", ()),
    ],
)
def test_a_folder_is_taken_and_the_switch_alone_stays(given, left, folders):
    assert without_trace(given.split()) == (left.split(), folders)
