"""The rehearsal itself: faults that a CUDA device would answer with an error or a wait are planted, and caught."""

import pytest
import torch
from rehearsal import FREE_BYTES, REHEARSED, rehearsal
from torch import nn
from torch._subclasses.fake_tensor import DynamicOutputShapeException

from vitcnn.device import free_bytes, numerics, peak_bytes

CUDA = REHEARSED.name


@pytest.fixture
def rehearsed():
    with rehearsal() as found:
        yield found


def test_what_is_on_the_cpu_is_real_and_what_is_on_the_device_is_not(rehearsed):
    assert torch.arange(3).sum().item() == 3
    there = torch.ones(2, 3, device=CUDA)
    assert (there.shape, there.is_cuda, rehearsed.waits) == ((2, 3), True, [])


def test_two_devices_in_one_operation_raise(rehearsed):
    with pytest.raises(RuntimeError, match="same device, but found at least two devices, cuda:1"):
        torch.ones(3, device=CUDA) + torch.ones(3)


def test_a_tensor_of_the_default_device_is_noticed(rehearsed):
    with pytest.raises(AssertionError, match="made on cuda:0"):
        torch.ones(3, device="cuda")


WAITS = {
    "reads a number": lambda there: there.sum().item(),
    "copies to the host": lambda there: there.to("cpu"),
    "copies to the device": lambda _there: torch.ones(3).to(CUDA, torch.float32),
    "looks for the places of a mask": lambda there: there.__setitem__(there > 0, there),
}


def test_a_copy_into_memory_of_the_host_arrives_and_is_noted(rehearsed):
    out = torch.full((3,), torch.nan)
    out.copy_(torch.ones(3, device=CUDA))
    assert not out.isnan().any()
    assert rehearsed.waits == ["copies to the host (outside vitcnn)"]


@pytest.mark.parametrize("what", WAITS)
@pytest.mark.parametrize("inference", [False, True])
def test_what_the_host_waits_for_is_noted(rehearsed, what, inference):
    with torch.inference_mode(inference):
        WAITS[what](torch.ones(3, device=CUDA))
    [noted] = rehearsed.waits
    assert noted == f"{what} (outside vitcnn)"


def test_a_branch_on_a_number_is_a_wait_and_a_shape_that_depends_on_numbers_raises(rehearsed):
    there = torch.ones(3, device=CUDA)
    if there.any():
        assert len(rehearsed.waits) == 1
    with pytest.raises(DynamicOutputShapeException):
        there.nonzero()


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_a_generator_of_another_device_is_refused(rehearsed, device):
    with pytest.raises(RuntimeError, match=f"Expected a cuda:1 device type for generator but found {device}"):
        torch.rand(3, device=CUDA, generator=torch.Generator(device))
    assert torch.rand(3, device=CUDA, generator=torch.Generator(CUDA)).device == torch.device(CUDA)


def test_what_leaves_the_device_to_torch_must_mean_the_one_that_is_measured(rehearsed):
    with pytest.raises(AssertionError, match="about cuda:0, while cuda:1 is measured"):
        torch.cuda.synchronize()
    with numerics(REHEARSED):
        torch.cuda.synchronize()


def test_memory_is_that_of_the_device_that_is_named(rehearsed):
    assert peak_bytes(REHEARSED, lambda: None) == 0
    assert free_bytes(REHEARSED) == FREE_BYTES


def gradients(device):
    with torch.device(device):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 5), nn.Linear(5, 5))
        loss = model[4](model(torch.rand(2, 3, 4, 4))).logsumexp(1).mean()  # the last layer counts twice
    loss.backward()
    return [parameter.grad for parameter in model.parameters()]


def test_backward_gives_the_gradients_that_torchs_own_does():
    expected = gradients("cpu")
    with rehearsal():
        found = gradients("cpu")
        rehearsed = gradients(CUDA)
    for one, other, there in zip(expected, found, rehearsed, strict=True):
        torch.testing.assert_close(one, other)
        assert (there.shape, there.dtype, there.device.index) == (one.shape, one.dtype, 1)


def test_autocast_is_on(rehearsed):
    weight = torch.ones(3, 3, device=CUDA)
    with torch.autocast("cuda", torch.bfloat16):
        assert (weight @ weight).dtype is torch.bfloat16
