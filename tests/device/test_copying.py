import pytest
import torch

from vitcnn.device import Device, copying
from vitcnn.device.copying import copy_bytes_per_s


def test_the_best_of_several_copies_counts_what_is_read_and_written(monkeypatch):
    seconds = iter([0.0, 4.0, 10.0, 12.0, 20.0, 25.0])
    clocked = type("Clocked", (Device,), {"timer": property(lambda _self: lambda: next(seconds))})
    monkeypatch.setattr(copying, "COPIED_BYTES", {"cpu": 1 << 20})
    monkeypatch.setattr(copying, "RANDOM_BYTES", 1 << 18)
    copied = []
    copy_ = torch.Tensor.copy_

    def spied(self, source):
        copied.append((source.nbytes, self.data_ptr() != source.data_ptr(), float(source.float().std())))
        return copy_(self, source)

    monkeypatch.setattr(torch.Tensor, "copy_", spied)
    device = clocked(name="cpu", key="test")
    assert copy_bytes_per_s(device) == 2 * (1 << 20) / 2.0
    assert len(copied) == 1 + 3
    assert {(nbytes, is_another) for nbytes, is_another, _ in copied} == {(1 << 20, True)}
    assert copied[0][2] == pytest.approx(74, abs=1), "of 0 to 255, drawn evenly"
    assert copy_bytes_per_s(device) == 2 * (1 << 20) / 2.0, "not measured again: the clock has ended"


def test_the_tensors_are_larger_than_caches():
    assert min(copying.COPIED_BYTES.values()) >= 100e6
