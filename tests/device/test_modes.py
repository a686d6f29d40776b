import gc
import tracemalloc

import pytest
import torch

from vitcnn.device.modes import unusual_modes


def test_a_process_as_it_begins_is_in_no_unusual_mode():
    assert unusual_modes() == ()


def test_seldom_collected_garbage_is_a_mode():
    before = gc.get_threshold()
    try:
        gc.set_threshold(100_000, 10, 10)
        assert unusual_modes() == ("gc.set_threshold(100000, 10, 10)",)
    finally:
        gc.set_threshold(*before)


def test_traced_memory_and_another_allocator_are_modes(monkeypatch):
    monkeypatch.setenv("PYTHONMALLOC", "debug")
    tracemalloc.start()
    try:
        assert unusual_modes() == ("tracemalloc", "PYTHONMALLOC=debug")
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "switch, normal, name",
    [
        (lambda: torch.set_default_dtype(torch.bfloat16), lambda: torch.set_default_dtype(torch.float32), "bfloat16"),
        (lambda: torch.set_grad_enabled(False), lambda: torch.set_grad_enabled(True), "no gradients"),
        (
            lambda: torch.autograd.set_detect_anomaly(True),
            lambda: torch.autograd.set_detect_anomaly(False),
            "anomaly detection",
        ),
        (
            lambda: torch.use_deterministic_algorithms(True),
            lambda: torch.use_deterministic_algorithms(False),
            "deterministic algorithms",
        ),
        (
            lambda: torch.set_autocast_enabled("cpu", True),
            lambda: torch.set_autocast_enabled("cpu", False),
            "autocast",
        ),
        (lambda: torch.set_flush_denormal(True), lambda: torch.set_flush_denormal(False), "denormals flushed to zero"),
    ],
)
def test_what_torch_does_everywhere_is_a_mode(switch, normal, name):
    try:
        switch()
        (mode,) = unusual_modes()
    finally:
        normal()
    assert mode.endswith(name)
    assert unusual_modes() == ()


@pytest.mark.parametrize("backend, name", [("mkldnn", "oneDNN off"), ("cudnn", "cuDNN off")])
def test_a_library_that_is_switched_off_is_a_mode(monkeypatch, backend, name):
    monkeypatch.setattr(getattr(torch.backends, backend), "enabled", False)
    assert unusual_modes() == (name,)
