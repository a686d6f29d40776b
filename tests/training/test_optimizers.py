import pytest
import torch
from torch import nn

from vitcnn.recipes.parts import AdamW, Sgd
from vitcnn.training import optimizers

ADAMW = AdamW(peak_learning_rate=0.1, weight_decay=0.5, betas=(0.9, 0.99))
SGD = Sgd(peak_learning_rate=0.1, weight_decay=0.5, momentum=0.0, nesterov=False)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 5))


def decayed(model, settings):
    """Return what is left of weights of one after a step without gradients: 1 - 0.1 * 0.5 where they decay."""
    (optimizer,) = optimizers(model, settings)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1.0)
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    return {name: parameter.unique().item() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize(
    "settings", [ADAMW, Sgd(peak_learning_rate=0.1, weight_decay=0.5, momentum=0.0, nesterov=False, decay_all=False)]
)
def test_only_matrices_and_kernels_decay(model, settings):
    kernels = {"0.weight", "3.weight"}
    left = decayed(model, settings)
    assert left == pytest.approx({name: 0.95 if name in kernels else 1.0 for name in left})


def test_sgd_lets_everything_decay_where_asked(model):
    assert list(decayed(model, SGD).values()) == pytest.approx([0.95] * 6)


@pytest.mark.parametrize("settings", [ADAMW, SGD])
def test_what_is_frozen_is_not_given_to_the_optimizer(model, settings):
    model[0].requires_grad_(False)
    model[1].requires_grad_(False)
    (optimizer,) = optimizers(model, settings)
    given = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    assert given == {id(parameter) for parameter in model[3].parameters()}


def test_a_model_with_matrices_alone_has_one_group():
    (optimizer,) = optimizers(nn.Linear(3, 3, bias=False), ADAMW)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.5]


@pytest.mark.parametrize("settings", [ADAMW, SGD])
def test_every_group_knows_its_peak(model, settings):
    (optimizer,) = optimizers(model, settings)
    assert [group["peak"] for group in optimizer.param_groups] == [0.1] * len(optimizer.param_groups)
