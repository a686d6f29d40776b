"""Runs the forward passes that Callgrind counts, for the cases in its arguments, such as `lenet:28`.

Started by `vitcnn.measuring.instructions`, never by hand.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

import torch

from vitcnn.bench.models import forward_subject
from vitcnn.device import Device
from vitcnn.measuring.callgrind import Callgrind, Request
from vitcnn.measuring.instructions import CALLS, REPEATS
from vitcnn.questions.latency import LatencyCase

WARM_UP_CALLS = 3


def count(run: Callable[[], object], ask: Callable[[Request], int]) -> None:
    """Have Callgrind dump REPEATS times what CALLS calls of `run` take, warmed up under its eyes."""
    for _ in range(WARM_UP_CALLS):
        run()
    gc.collect()
    gc.disable()
    for _ in range(REPEATS):
        ask(Request.ZERO)
        for _ in range(CALLS):
            run()
        ask(Request.DUMP)
    gc.enable()


def main(names: list[str]) -> None:
    """Count each case. Callgrind starts to look when torch is imported and the models are built."""
    torch.set_num_threads(1)
    device = Device(name="cpu", key="cpu")
    pairs = (name.partition(":") for name in names)
    cases = [LatencyCase(architecture=architecture, px=int(px), batch=1) for architecture, _, px in pairs]
    subjects = [forward_subject(case, device) for case in cases]
    ask = Callgrind()
    ask(Request.START)
    for subject in subjects:
        count(subject.run, ask)
    ask(Request.STOP)


if __name__ == "__main__":
    main(sys.argv[1:])
