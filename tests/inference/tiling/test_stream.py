import threading

import numpy as np
import pytest

from vitcnn.inference.tiling import Timings, prefetched


def frames(count):
    for number in range(count):
        yield np.full((4, 6, 3), number, dtype=np.uint8)


def test_frames_come_in_order_as_the_tiler_takes_them(cpu):
    got = list(prefetched(frames(5), cpu))
    assert [frame.shape for frame in got] == [(3, 4, 6)] * 5
    assert [int(frame[0, 0, 0]) for frame in got] == [0, 1, 2, 3, 4]


def test_the_next_frame_is_decoded_while_one_is_worked_on(cpu):
    decoded = threading.Event()

    def slow():
        yield np.zeros((4, 6, 3), dtype=np.uint8)
        decoded.set()
        yield np.ones((4, 6, 3), dtype=np.uint8)

    stream = prefetched(slow(), cpu)
    next(stream)
    assert decoded.wait(timeout=10), "nobody has asked for the second frame yet"


def test_what_decoding_raises_arrives_in_its_place(cpu):
    def broken():
        yield from frames(2)
        raise OSError("the file is cut off")

    stream = prefetched(broken(), cpu)
    assert [int(next(stream)[0, 0, 0]) for _ in range(2)] == [0, 1]
    with pytest.raises(OSError, match="cut off"):
        next(stream)


def test_decoding_is_timed(cpu):
    timings = Timings()
    list(prefetched(frames(3), cpu, timings))
    assert timings.seconds["decode"] > 0
