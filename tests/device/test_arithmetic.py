import pytest
import torch
from torch.nn import functional as F

from vitcnn.device import Device, arithmetic
from vitcnn.device.arithmetic import (
    CONVOLVED,
    MATRIX_SIZE,
    MOST_LOOKS,
    Peak,
    convolution_flops_per_s,
    matmul_flops_per_s,
    peak,
)

PRECISIONS = pytest.mark.parametrize("precision, dtype", [("fp32", torch.float32), ("bf16", torch.bfloat16)])


def clocked(*seconds):
    """Return a device whose clock shows these seconds, and then has no more."""
    clock = iter(seconds)
    kind = type("Clocked", (Device,), {"timer": property(lambda _self: lambda: next(clock))})
    return kind(name="cpu", key="clocked")


@PRECISIONS
def test_the_best_of_several_products_counts_in_the_precision_asked_for(monkeypatch, precision, dtype):
    multiplied = []
    mm = torch.mm

    def spied(left, right, *, out):
        multiplied.append((left.dtype, tuple(left.shape), tuple(right.shape), float(left.float().std())))
        return mm(left, right, out=out)

    monkeypatch.setattr(torch, "mm", spied)
    assert matmul_flops_per_s(clocked(0.0, 4.0, 10.0, 12.0, 20.0, 25.0), precision) == 2 * 1024**3 / 2.0
    assert len(multiplied) == 3
    for kind, left, right, spread in multiplied:
        assert (kind, left, right) == (dtype, (1024, 1024), (1024, 1024))
        assert spread == pytest.approx(1, abs=0.01), "zeros would be faster than data"


@PRECISIONS
def test_the_best_of_several_convolutions_counts_in_the_precision_asked_for(monkeypatch, precision, dtype):
    monkeypatch.setitem(CONVOLVED, "cpu", (2, 32, 8, 4))
    convolved = []
    conv2d = F.conv2d

    def spied(images, weights, *, padding):
        shapes = tuple(images.shape), tuple(weights.shape), padding
        convolved.append((images.dtype, weights.dtype, *shapes, float(images.float().std())))
        assert images.is_contiguous(memory_format=torch.channels_last)
        return conv2d(images, weights, padding=padding)

    monkeypatch.setattr(F, "conv2d", spied)
    found = convolution_flops_per_s(clocked(0.0, 4.0, 10.0, 12.0, 20.0, 25.0), precision)
    assert found == 2 * 2 * 8 * 4 * 32 * 32 * 9 / 2.0
    assert len(convolved) == 1 + 3, "the first is not timed"
    for *what, spread in convolved:
        assert what == [dtype, dtype, (2, 32, 8, 4), (32, 32, 3, 3), 1]
        assert spread == pytest.approx(1, abs=0.05), "zeros would be faster than data"


def test_a_convolution_is_counted_as_torchs_flop_counter_counts_it(monkeypatch):
    from torch.utils.flop_counter import FlopCounterMode

    monkeypatch.setitem(CONVOLVED, "cpu", (2, 32, 8, 4))
    with FlopCounterMode(display=False) as counter:
        found = convolution_flops_per_s(clocked(0.0, 1.0, 1.0, 2.0, 2.0, 3.0), "fp32")
    assert found == counter.get_total_flops() / 4


def test_the_two_of_a_device_compute_about_as_much():
    for kind, (batch, channels, height, width) in CONVOLVED.items():
        convolution, product = 9 * batch * height * width * channels**2, MATRIX_SIZE[kind] ** 3
        assert 0.3 < convolution / product < 3


@pytest.fixture
def seen(monkeypatch):
    """What the next looks will see, (product, convolution); a look beyond them fails."""
    looks = []
    monkeypatch.setattr(arithmetic, "matmul_flops_per_s", lambda *_asked: looks[0][0])
    monkeypatch.setattr(arithmetic, "convolution_flops_per_s", lambda *_asked: looks.pop(0)[1])
    return looks


def test_the_larger_rate_is_the_peak():
    assert Peak(matmul_flops_per_s=209e9, convolution_flops_per_s=501e9).flops_per_s == 501e9
    assert Peak(matmul_flops_per_s=209e9, convolution_flops_per_s=101e9).flops_per_s == 209e9


def test_the_peak_is_looked_at_again_where_a_model_exceeds_it(seen):
    device = Device(name="cpu", key="exceeded")
    seen += [(100.0, 40.0), (90.0, 160.0)]
    assert peak(device, "fp32", reached_flops_per_s=30.0) == Peak(matmul_flops_per_s=100, convolution_flops_per_s=40)
    assert peak(device, "fp32", reached_flops_per_s=99.0).flops_per_s == 100
    again = Peak(matmul_flops_per_s=100, convolution_flops_per_s=160)
    assert peak(device, "fp32", reached_flops_per_s=130.0) == again, "the best of both looks"
    assert peak(device, "fp32", reached_flops_per_s=150.0) == peak(device, "fp32") == again
    assert seen == []


def test_what_exceeds_the_peak_at_the_second_look_too_is_not_looked_for_for_ever(seen):
    device = Device(name="cpu", key="faster")
    seen += [(100.0, 40.0)] * (MOST_LOOKS + 1)
    for reached in (130.0, 130.0, 120.0):
        assert peak(device, "fp32", reached_flops_per_s=reached).flops_per_s == 100
    assert len(seen) == MOST_LOOKS + 1 - 2, "one look when it is first asked for, and one for the model"
    for reached in range(140, 200, 10):
        assert peak(device, "fp32", reached_flops_per_s=reached).flops_per_s == 100
    assert len(seen) == 1


def test_each_precision_has_its_peak(seen):
    device = Device(name="cpu", key="precisions")
    seen += [(100.0, 40.0), (300.0, 40.0)]
    assert [peak(device, precision).flops_per_s for precision in ("fp32", "bf16", "fp32")] == [100, 300, 100]


def test_measuring_leaves_the_global_random_numbers_alone(cpu):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    found = peak(cpu, "fp32")
    assert min(found.matmul_flops_per_s, found.convolution_flops_per_s) > 0
    assert torch.equal(torch.rand(3), expected)
