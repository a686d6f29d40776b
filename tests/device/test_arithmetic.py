import pytest
import torch

from vitcnn.device import Device
from vitcnn.device.arithmetic import matmul_flops_per_s


@pytest.mark.parametrize("precision, dtype", [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_the_best_of_several_products_counts_in_the_precision_asked_for(monkeypatch, precision, dtype):
    seconds = iter([0.0, 4.0, 10.0, 12.0, 20.0, 25.0])
    clocked = type("Clocked", (Device,), {"timer": property(lambda _self: lambda: next(seconds))})
    multiplied = []
    mm = torch.mm

    def spied(left, right, *, out):
        multiplied.append((left.dtype, tuple(left.shape), tuple(right.shape), float(left.float().std())))
        return mm(left, right, out=out)

    monkeypatch.setattr(torch, "mm", spied)
    device = clocked(name="cpu", key=f"test-{precision}")
    assert matmul_flops_per_s(device, precision) == 2 * 1024**3 / 2.0
    assert len(multiplied) == 3
    for kind, left, right, spread in multiplied:
        assert (kind, left, right) == (dtype, (1024, 1024), (1024, 1024))
        assert spread == pytest.approx(1, abs=0.01), "zeros would be faster than data"
    assert matmul_flops_per_s(device, precision) == 2 * 1024**3 / 2.0, "not measured again: the clock has ended"


def test_measuring_leaves_the_global_random_numbers_alone(cpu):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    assert matmul_flops_per_s(cpu, "fp32") > 0
    assert torch.equal(torch.rand(3), expected)
