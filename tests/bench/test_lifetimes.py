"""What is alive at the peak, counted by hand on small layers."""

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.checkpoint import checkpoint

from vitcnn.bench.lifetimes import Peak, peak_of

FLOAT_BYTES = 4
BLOCK = 512
"""What every allocation is rounded up to. A loss takes one, and its gradient, with which the backward begins, too."""


def parts(peak):
    return {name: getattr(peak, name) for name in Peak.__dataclass_fields__}


def peak_of_backward(model, images, **options):
    run = lambda: model(images).sum().backward()  # noqa: E731
    try:
        return peak_of(run, {"weights": model.parameters(), "inputs": [images]}, **options)
    finally:
        for parameter in model.parameters():
            parameter.grad = None


def test_a_linear_layer_holds_its_weight_its_gradient_and_the_batch():
    model, images = nn.Linear(256, 128, bias=False), torch.rand(64, 256)
    weights, inputs = 256 * 128 * FLOAT_BYTES, 64 * 256 * FLOAT_BYTES
    assert parts(peak_of_backward(model, images)) == {
        "weights": weights,
        "gradients": weights,
        "optimizer": 0,
        "activations": 2 * BLOCK,
        "inputs": inputs,
        "temporary": 0,
    }


def test_without_rounding_the_loss_and_its_gradient_are_one_number_each():
    model, images = nn.Linear(256, 128, bias=False), torch.rand(64, 256)
    numbers = 2 * 256 * 128 + 64 * 256 + 1 + 1
    assert peak_of_backward(model, images, block_bytes=1).total == numbers * FLOAT_BYTES


def test_the_peak_of_a_convolution_of_few_channels_is_its_output():
    model, images = nn.Conv2d(1, 8, 3, padding=1, bias=False), torch.rand(32, 1, 16, 16)
    found = peak_of_backward(model, images)
    output = 32 * 8 * 16 * 16 * FLOAT_BYTES
    assert (found.weights, found.inputs) == (BLOCK, 32 * 16 * 16 * FLOAT_BYTES), "72 numbers take one block"
    assert found.total == found.weights + found.inputs + output + BLOCK
    assert (found.gradients, found.optimizer) == (0, 0), "they come after"


def blocks():
    return [nn.Sequential(nn.Linear(256, 256, bias=False), nn.Sigmoid(), nn.ReLU()) for _ in range(4)]


class Checkpointed(nn.Module):
    def __init__(self, of):
        super().__init__()
        self.of = nn.ModuleList(of)

    def forward(self, values):
        for block in self.of:
            values = checkpoint(block, values, use_reentrant=False)
        return values


ACTIVATION = 512 * 256 * FLOAT_BYTES


def test_every_sigmoid_and_every_relu_keeps_its_output():
    found = peak_of_backward(nn.Sequential(*blocks()), torch.rand(512, 256))
    assert found.activations == 8 * ACTIVATION + 2 * BLOCK


def test_checkpointed_blocks_keep_their_inputs_alone():
    found = peak_of_backward(Checkpointed(blocks()), torch.rand(512, 256))
    # of the third block: the last has no gradient of its output in memory, which is one number for all
    assert found.activations == 2 * ACTIVATION + 2 * BLOCK, "inputs of the second and third; the first's is the batch"
    assert found.gradients == 256 * 256 * FLOAT_BYTES, "the last block's"
    assert found.temporary == 4 * ACTIVATION, "sigmoid and ReLU once more, and the gradients of ReLU's output and input"


def test_a_forward_without_gradients_keeps_nothing():
    model, images = nn.Sequential(*blocks()), torch.rand(512, 256)
    with torch.inference_mode():
        found = peak_of(lambda: model(images), {"weights": model.parameters(), "inputs": [images]})
    assert (found.activations, found.gradients) == (0, 0)
    assert found.temporary == 3 * ACTIVATION, "what a layer reads and writes, and its block's input, which is held"


def test_what_is_freed_and_made_again_counts_once():
    def run():
        for _ in range(5):
            torch.zeros(1024)

    assert peak_of(run, {}).total == 1024 * FLOAT_BYTES


def test_a_view_and_a_change_in_place_take_nothing():
    values = torch.zeros(1024)
    assert peak_of(lambda: values[5:].add_(1).t(), {"inputs": [values]}).total == 1024 * FLOAT_BYTES


def test_the_optimisers_state_and_gradients_by_hand():
    model, images = nn.Linear(256, 128, bias=False), torch.rand(64, 256)
    updating = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)

    def step():
        model(images).sum().backward()
        updating.step()
        updating.zero_grad()

    step()
    states = [state["momentum_buffer"] for state in updating.state.values()]
    found = peak_of(step, {"weights": model.parameters(), "inputs": [images], "optimizer": states})
    assert found.weights == found.gradients == found.optimizer == 256 * 128 * FLOAT_BYTES


@pytest.mark.parametrize("make", [blocks, lambda: [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.GELU()]])
def test_fake_tensors_live_as_long_as_real_ones(make):
    def found():
        shape = (512, 256) if make is blocks else (8, 3, 16, 16)
        return peak_of_backward(nn.Sequential(*make()), torch.rand(shape))

    real = found()
    with FakeTensorMode():
        assert found() == real
