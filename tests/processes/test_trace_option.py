"""`--trace DIR` beside pytest's own switch of that name."""

import pytest

from vitcnn.processes.trace_option import without_trace


@pytest.mark.parametrize(
    "given, left, folder",
    [
        ("benchmarks --trace runs -k latency", "benchmarks -k latency", "runs"),
        ("--trace runs", "", "runs"),
        ("benchmarks --trace a --trace b", "benchmarks", "b"),
        ("benchmarks --trace", "benchmarks --trace", None),
        ("benchmarks --trace -k latency", "benchmarks --trace -k latency", None),
        ("benchmarks", "benchmarks", None),
    ],
)
def test_a_folder_is_taken_and_the_switch_alone_stays(given, left, folder):
    assert without_trace(given.split()) == (left.split(), folder)
