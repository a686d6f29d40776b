"""What Callgrind watches: forwards of the cases that the arguments name, `lenet:28`, in marked regions.

Started by `vitcnn.instructions`, never by hand.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable

import torch

from vitcnn.device import Device
from vitcnn.instructions import CALLS, MARK, REPEATS
from vitcnn.prepare.batches import inference_subject
from vitcnn.spec import LatencyCase

WARM_UP_CALLS = 3


def in_a_region(run: Callable[[], object]) -> None:
    """Call `run` from within the C function that marks a region: it asks once whether an array of one has the key."""

    def compare(_key: int, _entry: int) -> int:
        for _ in range(CALLS):
            run()
        return 0

    called_back = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(compare)
    key, array, length = ctypes.c_int(), (ctypes.c_int * 1)(), ctypes.c_size_t(1)
    mark = getattr(ctypes.CDLL(None), MARK)
    mark(ctypes.byref(key), array, ctypes.byref(length), ctypes.c_size_t(ctypes.sizeof(key)), called_back)


def main(names: list[str]) -> None:
    """Run each case: warm it up, then run its regions."""
    torch.set_num_threads(1)
    device = Device(name="cpu", key="cpu")
    for architecture, _, px in (name.partition(":") for name in names):
        subject = inference_subject(LatencyCase(architecture=architecture, px=int(px), batch=1), device)
        for _ in range(WARM_UP_CALLS):
            subject.run()
        gc.collect()
        gc.disable()
        for _ in range(REPEATS):
            in_a_region(subject.run)
        gc.enable()


if __name__ == "__main__":
    main(sys.argv[1:])
