"""Bytes that operators read and write, listed by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vitcnn.measuring.traffic import TrafficCounter, extent_bytes

FLOAT, LONG = 4, 8
X = torch.arange(20.0).reshape(5, 4)
Y = torch.ones(5, 4)
TABLE, PLACES = torch.ones(1000, 4), torch.tensor([3, 5])


def traffic(run, *, inference=True):
    with torch.inference_mode(inference), TrafficCounter() as counter:
        run()
    return counter.num_bytes


FUNCTIONS = {
    "a sum reads two and writes one": (lambda: X + Y, 3 * 20 * FLOAT),
    "what is given twice is read once": (lambda: X * X, 2 * 20 * FLOAT),
    "a view moves nothing": (lambda: X.t(), 0),
    "nor do several": (lambda: X.split(2), 0),
    "reshape, where it is a view": (lambda: X.reshape(4, 5), 0),
    "reshape, where it must copy": (lambda: X.t().reshape(-1), 2 * 20 * FLOAT),
    "contiguous, where it is": (lambda: X.contiguous(), 0),
    "in place reads and writes": (lambda: X.clone().add_(Y), 2 * 20 * FLOAT + 3 * 20 * FLOAT),
    "a copy reads one and writes the other": (lambda: torch.empty(5, 4).copy_(X), 2 * 20 * FLOAT),
    "zeros are written": (lambda: torch.zeros(5, 4), 20 * FLOAT),
    "and read nothing": (lambda: torch.zeros_like(X), 20 * FLOAT),
    "memory alone moves nothing": (lambda: torch.empty(5, 4), 0),
    "out is written": (lambda: torch.add(X, Y, out=torch.empty(5, 4)), 3 * 20 * FLOAT),
    "half of a tensor": (lambda: X[:, :2] + 1, 2 * 10 * FLOAT),
    "what is expanded is read once": (lambda: torch.ones(1, 4).expand(5, 4) + X, 4 * FLOAT + (4 + 20 + 20) * FLOAT),
    "a number of a tensor": (lambda: X.sum(), 21 * FLOAT),
    "a row of a table": (lambda: F.embedding(PLACES, TABLE), 2 * LONG + 2 * 8 * FLOAT),
    "a linear layer": (lambda: F.linear(X, torch.ones(3, 4), torch.ones(3)), 15 * FLOAT + (20 + 12 + 3 + 15) * FLOAT),
    "a list of tensors": (lambda: torch._foreach_add([X, Y], 1), 4 * 20 * FLOAT),
    "a list that is changed": (lambda: torch._foreach_mul_([X, Y], 1), 4 * 20 * FLOAT),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_by_hand(name):
    run, expected = FUNCTIONS[name]
    assert traffic(run) == expected


def test_a_training_step_of_a_linear_layer_by_hand():
    """y = w x, the sum as a loss, without a bias: forward, backward of the weight, and SGD without momentum."""
    layer = nn.Linear(4, 3, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, foreach=True)

    def step():
        optimizer.zero_grad(set_to_none=True)
        layer(X).sum().backward()
        optimizer.step()

    forward = (20 + 12 + 15) + (15 + 1)
    backward = 1 + (1 + 20 + 12)  # the gradient of the sum is one number, expanded
    update = 12 + 12 + 12
    with TrafficCounter() as counter:
        step()
    assert counter.num_bytes == FLOAT * (forward + backward + update)


def test_a_convolution_is_the_same_on_a_device_without_memory():
    def of(device):
        with torch.device(device):
            model, images = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), torch.zeros(2, 3, 8, 8)
        return traffic(lambda: model.eval()(images), inference=False)

    image, weights, out = 2 * 3 * 64, 4 * 27 + 4, 2 * 4 * 36
    assert of("cpu") == of("meta") == FLOAT * (image + weights + out + 2 * out)


def test_the_extent_of_expanded_and_empty_tensors():
    assert extent_bytes(torch.ones(1, 3).expand(7, 3)) == 3 * FLOAT
    assert extent_bytes(torch.ones(0, 3)) == 0
    assert extent_bytes(torch.ones(2, 3, dtype=torch.bfloat16)) == 12
