import gc
import os
import signal
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from vitcnn import references
from vitcnn.device import Device

sys.path.append(str(Path(__file__).parents[1] / "tools"))

for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
    del os.environ[name]  # else the suites that tests run in processes of their own take themselves for xdist's workers

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # so does a shell start what runs in the background, and then no process that a test starts would hear Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("vitcnn", deadline=None, database=None, max_examples=60)
settings.load_profile("vitcnn")


@pytest.fixture(scope="session", autouse=True)
def imports_out_of_the_collectors_sight():
    """Each collection that a test asks for would look through all that was imported, for half a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def cpu():
    return Device(name="cpu", key="cpu-test-1t")


@pytest.fixture(autouse=True)
def one_thread():
    """Models this small run many times slower where two threads wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def offering(monkeypatch):
    """Let installed packages offer things: a function of the group of entry points, and of names and values."""

    def offer(group: str, **values: str) -> None:
        found = [EntryPoint(name, value, group) for name, value in values.items()]
        monkeypatch.setattr(references, "entry_points", lambda group: [e for e in found if e.group == group])
        references.offered.cache_clear()

    yield offer
    monkeypatch.undo()
    references.offered.cache_clear()


@pytest.fixture
def two_gpus(monkeypatch):
    """Let torch say that it sees two GPUs; nothing can run on them."""
    names = {0: "NVIDIA H200", "cuda:0": "NVIDIA H200", 1: "NVIDIA A100-SXM4-80GB"}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", names.__getitem__)
