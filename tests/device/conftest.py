import pytest
import torch

from vitcnn.device import Device, memory


@pytest.fixture
def cuda():
    return Device(name="cuda:0", key="nvidia-h200")


@pytest.fixture
def calls(monkeypatch):
    """Stand-ins for torch's CUDA functions, which note in order what was called."""
    noted = []
    for name in ("synchronize", "empty_cache", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.cuda, name, lambda *_args, _name=name: noted.append(_name))
    monkeypatch.setattr(torch._C, "_cuda_clearCublasWorkspaces", lambda: noted.append("workspaces"), raising=False)
    monkeypatch.setattr(memory, "open_blas_workspaces", lambda _device: noted.append("blas"))
    return noted
