"""Counting instructions, but for Callgrind itself, under which importing torch takes minutes."""

import ctypes
from dataclasses import replace

import pytest

from vitcnn import LatencyCase, TrainingCase
from vitcnn.device import Device
from vitcnn.errors import RunFailed, UserError
from vitcnn.instructions import CALLS, MARK, instructions_of, is_countable, regions_in, require_valgrind
from vitcnn.instructions_driver import in_a_region

SMALL = LatencyCase(architecture="lenet", px=28, batch=1)
VALGRIND = """#!/bin/sh
for argument in "$@"; do case $argument in --callgrind-out-file=*) out=${argument#*=} ;; esac; done
%s
"""
DUMPS = "\n".join(
    f'printf "events: Ir\\nsummary: {n}\\ntotals: {n}\\n" > $out.{i}' for i, n in enumerate((50, 40, 60), 1)
)


@pytest.fixture
def valgrind(tmp_path, monkeypatch):
    """Put a script in the place of valgrind."""

    def place(body):
        script = tmp_path / "valgrind"
        script.write_text(VALGRIND % body)
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return place


@pytest.mark.parametrize(
    "case, small",
    [
        (SMALL, True),
        (replace(SMALL, architecture="vit_micro", px=32), True),
        (replace(SMALL, batch=16), False),
        (replace(SMALL, px=224), False),
        (replace(SMALL, mode="compiled"), False),
        (replace(SMALL, precision="bf16"), False),
        (replace(SMALL, architecture="resnet18"), False),
        (TrainingCase(architecture="lenet", px=28, batch=1), False),
        (None, False),
    ],
    ids=str,
)
def test_only_small_eager_forwards_are_counted(case, small):
    assert is_countable(case) == small


def test_of_the_regions_of_a_case_the_smallest_counts(valgrind):
    valgrind(DUMPS)
    assert instructions_of([SMALL]) == {str(SMALL): 40 / CALLS}


@pytest.mark.parametrize("body", ["echo no; exit 1", DUMPS.replace("60", "0"), "true"])
def test_a_valgrind_that_counts_nothing_is_said(valgrind, body):
    valgrind(body)
    with pytest.raises(RunFailed, match="--count-instructions: valgrind ended with status"):
        instructions_of([SMALL])


def test_regions_are_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 9, 1):
        (tmp_path / f"counted.{number}").write_text(f"totals: {number}00\n")
    (tmp_path / "counted").write_text("totals: 7\n")
    assert regions_in(tmp_path) == [100, 900, 1000]


def test_without_valgrind_it_says_what_to_install(cpu, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="apt-get install valgrind"):
        require_valgrind(cpu)


def test_on_a_gpu_it_is_refused():
    with pytest.raises(UserError, match="--device cpu"):
        require_valgrind(Device(name="cuda:0", key="gpu"))


def test_a_region_is_what_the_c_function_calls_back():
    calls = []
    in_a_region(lambda: calls.append(1))
    assert len(calls) == CALLS
    assert hasattr(ctypes.CDLL(None), MARK)
