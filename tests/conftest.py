import os
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from vitcnn.device import Device

sys.path.append(str(Path(__file__).parents[1] / "tools"))

for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
    del os.environ[name]  # else the suites that tests run in processes of their own take themselves for xdist's workers

settings.register_profile("vitcnn", deadline=None, database=None, max_examples=60)
settings.load_profile("vitcnn")


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
