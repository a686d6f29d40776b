"""Counting instructions; importing torch under Callgrind takes a minute, so no test does that."""

import platform
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from vitcnn import LatencyCase, TrainingCase
from vitcnn.device import Device
from vitcnn.errors import RunFailed, UserError
from vitcnn.measuring.callgrind import MACHINES, Callgrind, Request
from vitcnn.measuring.instructions import CALLS, REPEATS, counts_in, instructions_of, is_countable, require_valgrind
from vitcnn.measuring.instructions_driver import WARM_UP_CALLS, count

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


def test_of_the_counts_of_a_case_the_smallest_is_taken(valgrind):
    valgrind(DUMPS)
    assert instructions_of([SMALL]) == {str(SMALL): 40 / CALLS}


@pytest.mark.parametrize("body", ["echo no; exit 1", DUMPS.replace("60", "0"), "true"])
def test_a_valgrind_that_counts_nothing_is_said(valgrind, body):
    valgrind(body)
    with pytest.raises(RunFailed, match="--count-instructions: valgrind ended with status"):
        instructions_of([SMALL])


def test_counts_are_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 9, 1):
        (tmp_path / f"counted.{number}").write_text(f"totals: {number}00\n")
    (tmp_path / "counted").write_text("totals: 7\n")
    assert counts_in(tmp_path) == [100, 900, 1000]


def test_without_valgrind_it_says_what_to_install(cpu, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="apt-get install valgrind"):
        require_valgrind(cpu)


def test_on_a_gpu_it_is_refused():
    with pytest.raises(UserError, match="--device cpu"):
        require_valgrind(Device(name="cuda:0", key="gpu"))


def test_counted_are_groups_of_calls_after_a_warm_up():
    events = []
    count(lambda: events.append("call"), lambda request: events.append(request.name))
    group = ["ZERO", *["call"] * CALLS, "DUMP"]
    assert events == ["call"] * WARM_UP_CALLS + group * REPEATS


@pytest.mark.skipif(platform.machine() not in MACHINES, reason="the requests are instructions of x86-64")
def test_without_callgrind_its_requests_do_nothing():
    ask = Callgrind()
    assert [ask(request) for request in Request] == [0] * len(Request)


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="needs valgrind")
def test_callgrind_counts_what_runs_between_two_requests(tmp_path):
    program = """
from vitcnn.measuring.callgrind import Callgrind, Request
ask = Callgrind()
assert ask(Request.UNDER_VALGRIND)
ask(Request.START)
for times in (1_000, 1_000, 2_000):
    ask(Request.ZERO)
    for _ in range(times): pass
    ask(Request.DUMP)
"""
    out = f"--callgrind-out-file={tmp_path}/counted"
    python = [sys.executable, "-c", program]
    subprocess.run(
        ["valgrind", "--tool=callgrind", "--instr-atstart=no", out, *python], check=True, capture_output=True
    )
    once, again, twice = counts_in(tmp_path)
    assert again == pytest.approx(once, rel=0.05)
    assert twice - again > 0.8 * once
