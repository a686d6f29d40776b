import os
import signal
import threading
from pathlib import Path

import pytest

from vitcnn.errors import NotWritten
from vitcnn.media.written import interrupts_held, naming, partial_of


def test_an_error_of_the_system_names_the_file(tmp_path):
    with (
        pytest.raises(NotWritten, match=r"a\.json cannot be written: No such file or directory"),
        naming(tmp_path / "a.json"),
    ):
        (tmp_path / "nowhere" / "a.json").touch()
    with pytest.raises(ValueError, match="ours"), naming(tmp_path / "a.json"):
        raise ValueError("ours")


def test_a_full_device_names_the_file(tmp_path):
    with (
        pytest.raises(NotWritten, match="No space left on device"),
        naming(tmp_path / "a.json"),
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        full.write(b"1")


def test_parts_of_files_are_hidden_and_of_one_process(tmp_path):
    assert partial_of(tmp_path / "a.mp4").name == f".{os.getpid()}.mp4.partial"


def interrupted(done):
    with interrupts_held():
        os.kill(os.getpid(), signal.SIGINT)
        done.append("whole")


def test_ctrl_c_waits_for_the_end_of_the_block():
    done, before = [], signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        interrupted(done)
    assert done == ["whole"]
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_inside_goes_first():
    with pytest.raises(AttributeError, match="append"):
        interrupted(None)


def test_other_threads_have_no_signals_to_hold():
    ran = []

    def work():
        with interrupts_held():
            ran.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ran
