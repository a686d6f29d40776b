"""Filters in channels_last are stepped as views: the same numbers as torch's optimisers without `fused`, no copies."""

import copy

import pytest
import torch
from torch import nn
from torch.optim import SGD
from torch.optim import Adam as TorchAdam
from torch.optim import AdamW as TorchAdamW
from torch.profiler import ProfilerActivity, profile

from vitcnn.recipes.parts import Adam, AdamW, Sgd
from vitcnn.training import optimizers

RATE, DECAY = 0.1, 0.5
SETTINGS = {
    "adamw": AdamW(peak_learning_rate=RATE, weight_decay=DECAY),
    "adam": Adam(peak_learning_rate=RATE, weight_decay=DECAY),
    "sgd": Sgd(peak_learning_rate=RATE, weight_decay=DECAY, momentum=0.5, nesterov=True),
}
PLAIN = {"adamw": TorchAdamW, "adam": TorchAdam, "sgd": SGD}


@pytest.fixture
def model():
    """One filter whose memory order in channels_last is another, and two layers without such an order."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(2, 3, 3, bias=False), nn.Conv2d(3, 4, 1, bias=False), nn.Flatten(), nn.LazyLinear(5)]
    built = nn.Sequential(*layers)
    built(torch.zeros(1, 2, 6, 6))
    return built.to(memory_format=torch.channels_last)


def trained(model, optimizer, steps=3):
    for step in range(steps):
        images = torch.randn(4, 2, 6, 6, generator=torch.Generator().manual_seed(step))
        model(images.contiguous(memory_format=torch.channels_last)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return [parameter.detach() for parameter in model.parameters()]


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_numbers_are_those_of_torchs_own_loop(model, kind):
    other = copy.deepcopy(model)
    more = {"momentum": 0.5, "nesterov": True} if kind == "sgd" else {"betas": SETTINGS[kind].betas}
    groups = [
        {"params": [p for p in other.parameters() if p.ndim > 1], "weight_decay": DECAY},
        {"params": [p for p in other.parameters() if p.ndim == 1], "weight_decay": 0.0 if kind == "adamw" else DECAY},
    ]
    expected = trained(other, PLAIN[kind](groups, lr=RATE, foreach=False, **more))
    before = [parameter.detach().clone() for parameter in model.parameters()]
    [optimizer] = optimizers(model, SETTINGS[kind])
    found = trained(model, optimizer)
    for one, two, first in zip(found, expected, before, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)
        assert not torch.equal(one, first)


@pytest.mark.parametrize("kind", SETTINGS)
def test_no_gradient_is_copied(model, kind):
    [optimizer] = optimizers(model, SETTINGS[kind])
    trained(model, optimizer, steps=1)
    model(torch.zeros(4, 2, 6, 6)).sum().backward()
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        optimizer.step()
    names = {event.key for event in profiled.key_averages()}
    assert any("_fused_" in name for name in names)
    assert "aten::clone" not in names


def test_a_step_takes_the_gradient_over_and_zero_grad_frees_it(model):
    [optimizer] = optimizers(model, SETTINGS["sgd"])
    model(torch.ones(4, 2, 6, 6)).sum().backward()
    optimizer.step()
    [view] = [p for group in optimizer.param_groups for p in group["params"] if p.shape == (3, 3, 3, 2)]
    assert view.is_contiguous()
    assert view.grad is not None
    assert model[0].weight.grad is None
    optimizer.zero_grad(set_to_none=True)
    assert view.grad is None


def test_all_others_are_stepped_themselves(model):
    [optimizer] = optimizers(model, SETTINGS["sgd"])
    given = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    own = [id(parameter) for parameter in model.parameters()]
    assert [one in given for one in own] == [False, True, True, True]


def test_a_filter_without_a_gradient_stays(model):
    [optimizer] = optimizers(model, SETTINGS["adamw"])
    before = model[0].weight.detach().clone()
    optimizer.step()
    assert torch.equal(model[0].weight, before)


def test_a_weight_that_was_moved_is_not_missed_silently(model):
    [optimizer] = optimizers(model, SETTINGS["adamw"])
    model.double()
    with pytest.raises(AssertionError, match="was moved"):
        optimizer.step()


def test_a_gradient_in_another_order_is_stepped_right(model):
    """torch's fused optimisers would go through it as it lies in memory. By hand: of SGD, less the rate times it."""
    [optimizer] = optimizers(model, Sgd(peak_learning_rate=RATE, weight_decay=0.0, momentum=0.0, nesterov=False))
    gradient = torch.arange(54.0).reshape(3, 2, 3, 3)
    expected = model[0].weight.detach() - RATE * gradient
    model[0].weight.grad = gradient
    optimizer.step()
    torch.testing.assert_close(model[0].weight.detach(), expected)
