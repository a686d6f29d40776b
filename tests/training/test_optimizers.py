import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from vitcnn.architectures import architectures
from vitcnn.recipes.parts import Adam, AdamW, Muon, Sgd
from vitcnn.spec import InputShape
from vitcnn.training import optimizers
from vitcnn.training.optimizers import hidden_weights

ADAMW = AdamW(peak_learning_rate=0.1, weight_decay=0.5, betas=(0.9, 0.99))
SGD = Sgd(peak_learning_rate=0.1, weight_decay=0.5, momentum=0.0, nesterov=False)
MUON = Muon(peak_learning_rate=0.3, momentum=0.6, rest=SGD)


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


@pytest.fixture
def deep():
    """Every kind of parameter: grouped and plain filters, matrices, vectors, and a parameter of no layer."""
    layers = [
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.Conv2d(4, 6, 3),
        nn.Conv2d(6, 6, 3, groups=6),
        nn.Flatten(),
        nn.Linear(6, 8),
        nn.Linear(8, 5),
    ]
    made = nn.Sequential(*layers)
    made.position = nn.Parameter(torch.zeros(3, 4))
    return made


def given(model, optimizer):
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {names[id(parameter)] for group in optimizer.param_groups for parameter in group["params"]}


def test_muon_steps_what_lies_between_the_first_layer_and_the_last(deep):
    muon, rest = optimizers(deep, MUON)
    assert given(deep, muon) == {"2.weight", "5.weight"}
    assert given(deep, rest) == {name for name, _ in deep.named_parameters()} - {"2.weight", "5.weight"}
    assert [optimizer.param_groups[0]["peak"] for optimizer in (muon, rest)] == [0.3, 0.1]


def test_what_is_frozen_is_given_to_neither(deep):
    deep[0].requires_grad_(False)
    deep[5].requires_grad_(False)
    muon, rest = optimizers(deep, MUON)
    assert given(deep, muon) == {"2.weight"}, "the frozen layer stays the first"
    assert given(deep, rest) == {"position", "1.weight", "1.bias", "2.bias", "3.weight", "3.bias", "6.weight", "6.bias"}


def test_a_head_alone_has_no_muon(deep):
    deep.requires_grad_(False)
    deep[6].requires_grad_(True)
    (rest,) = optimizers(deep, MUON)
    assert given(deep, rest) == {"6.weight", "6.bias"}


def test_hidden_weights_alone_have_no_rest(deep):
    deep.requires_grad_(False)
    deep[5].weight.requires_grad_(True)
    (muon,) = optimizers(deep, MUON)
    assert given(deep, muon) == {"5.weight"}


@pytest.mark.parametrize("entry", architectures().values(), ids=lambda entry: entry.name)
def test_first_layers_read_pixels_and_last_ones_return_logits_in_the_whole_catalogue(entry):
    is_of_images = entry.sizes.kind == "image"
    shape = InputShape(px=32, channels=3, num_classes=7) if is_of_images else replace(entry.published.shape, channels=3)
    outputs = {"sum_of_digits": 10, "anchor_matching": 10}.get(entry.name, shape.num_classes)
    with torch.device("meta"):
        model = entry.build(shape)
    chosen = {id(weight) for weight in hidden_weights(model)}
    left = [weight for weight in model.parameters() if weight.ndim in (2, 4) and id(weight) not in chosen]
    readers = [weight for weight in left if weight.ndim == 4 and weight.shape[1] == 3]
    logits = [weight for weight in left if weight.shape[0] == outputs]
    assert chosen
    assert (len(readers), len(logits)) == (1, 1)


def test_adam_steps_as_torchs_own_with_the_decay_in_the_gradient_of_everything(model):
    twin = copy.deepcopy(model)
    ours = optimizers(model, Adam(peak_learning_rate=0.1, weight_decay=0.5, betas=(0.8, 0.9)))
    theirs = [torch.optim.Adam(twin.parameters(), lr=0.1, weight_decay=0.5, betas=(0.8, 0.9))]
    for updating, stepped in ((ours, model), (theirs, twin)):
        for number in range(3):
            for parameter in stepped.parameters():
                parameter.grad = torch.full_like(parameter, number + 1.0)
            updating[0].step()
    for one, other in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one, other)
