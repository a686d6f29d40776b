import os

import pytest

from vitcnn.commands import output
from vitcnn.device import Device, crowding
from vitcnn.device.crowding import cores_busy_elsewhere


def said(monkeypatch, device, *, percent, threads, cores):
    monkeypatch.setattr(crowding.psutil, "cpu_percent", lambda _seconds: percent)
    monkeypatch.setattr(crowding.os, "cpu_count", lambda: cores)
    monkeypatch.setattr(crowding, "num_threads", lambda: threads)
    return crowding.crowding(device)


@pytest.mark.parametrize(
    "percent, threads, cores, busy",
    [(25, 2, 2, "0.5 of 2"), (100, 2, 2, "2.0 of 2"), (70, 4, 8, "5.6 of 8")],
)
def test_threads_that_must_share_their_cores_are_warned_of(cpu, monkeypatch, percent, threads, cores, busy):
    text = said(monkeypatch, cpu, percent=percent, threads=threads, cores=cores)
    assert text.startswith(f"Other programs keep {busy} CPU cores busy. With {threads} threads, some cases")
    assert text.endswith("set OMP_NUM_THREADS=1.")


@pytest.mark.parametrize("percent, threads, cores", [(10, 2, 2), (100, 1, 2), (50, 4, 8)])
def test_nothing_is_said_where_cores_are_free_or_one_thread_runs(cpu, monkeypatch, percent, threads, cores):
    assert said(monkeypatch, cpu, percent=percent, threads=threads, cores=cores) == ""


def test_nothing_is_said_of_a_gpu(monkeypatch):
    assert said(monkeypatch, Device(name="cuda:0", key="gpu"), percent=100, threads=2, cores=2) == ""


def test_a_command_tells_it_on_the_error_stream_or_nothing(cpu, monkeypatch, capsys):
    for text, told in (("Others run.", "vitcnn: Others run.\n"), ("", "")):
        monkeypatch.setattr(output, "crowding", lambda _device, text=text: text)
        output.warn_if_crowded(cpu)
        assert capsys.readouterr() == ("", told)


def test_the_share_is_one_of_cores():
    assert 0 <= cores_busy_elsewhere() <= os.cpu_count()
