"""Parts of the memory of a training step, worked out by hand on small layers."""

import weakref

import pytest
import torch
from torch import nn

from vitcnn.bench.training_memory import saved_for_backward_bytes, state_bytes, training_memory

FLOAT_BYTES = 4


def backward(model, images):
    return lambda: model(images).sum().backward()


@pytest.fixture
def images():
    return torch.rand(5, 4)


def test_a_branch_that_the_loss_does_not_use_is_let_go_of(images):
    """ReLU saves its own output: kept as it is, by a hook, it would hold itself."""
    stem = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    kept = []

    def run():
        unused = stem(images)
        kept.append(weakref.ref(unused))
        stem(images).sum().backward()

    saved_for_backward_bytes(stem, run)
    assert kept[0]() is None


def test_a_linear_layer_keeps_its_input_and_its_weight_does_not_count(images):
    model = nn.Linear(4, 3)
    assert saved_for_backward_bytes(model, backward(model, images)) == 5 * 4 * FLOAT_BYTES


def test_the_weight_does_not_count_where_the_input_needs_a_gradient(images):
    model = nn.Linear(4, 3)
    assert saved_for_backward_bytes(model, backward(model, images.requires_grad_())) == 5 * 4 * FLOAT_BYTES


def test_what_relu_and_the_next_layer_share_counts_once(images):
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    # the first input, 5 x 4, and the output of ReLU, 5 x 3, which is the second layer's input as well
    assert saved_for_backward_bytes(model, backward(model, images)) == (5 * 4 + 5 * 3) * FLOAT_BYTES


def test_sigmoid_keeps_its_output_and_tanh_its_own(images):
    model = nn.Sequential(nn.Linear(4, 3), nn.Sigmoid(), nn.Tanh())
    assert saved_for_backward_bytes(model, backward(model, images)) == (5 * 4 + 5 * 3 + 5 * 3) * FLOAT_BYTES


def test_a_slice_keeps_its_whole_storage():
    whole = torch.rand(100, 4)
    model = nn.Linear(4, 3)
    assert saved_for_backward_bytes(model, backward(model, whole[:5])) == 100 * 4 * FLOAT_BYTES


def test_doubles_are_twice_as_large(images):
    model = nn.Linear(4, 3).double()
    assert saved_for_backward_bytes(model, backward(model, images.double())) == 5 * 4 * 2 * FLOAT_BYTES


def test_the_second_of_two_runs_counts_the_same(images):
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    run = backward(model, images)
    assert saved_for_backward_bytes(model, run) == saved_for_backward_bytes(model, run)


def test_inference_keeps_nothing(images):
    model = nn.Linear(4, 3)

    def run():
        with torch.inference_mode():
            model(images)

    assert saved_for_backward_bytes(model, run) == 0


def step_of(model, optimizer, images):
    def step():
        model(images).sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def memory(model, optimizer, images):
    return training_memory(model, step_of(model, optimizer, images), [optimizer])


def test_the_parts_of_a_step_by_hand(images):
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    numbers = 4 * 3 + 3 + 3 * 2 + 2
    found = memory(model, torch.optim.AdamW(model.parameters()), images)
    assert found.num_trainable == numbers
    assert found.weights_bytes == found.gradient_bytes == numbers * FLOAT_BYTES
    assert found.optimizer_bytes == 2 * numbers * FLOAT_BYTES + 4 * FLOAT_BYTES, "two moments, and a count a tensor"
    assert found.saved_for_backward_bytes == (5 * 4 + 5 * 3) * FLOAT_BYTES
    assert found.training_memory_bytes == (4 * numbers + 4 + 5 * 4 + 5 * 3) * FLOAT_BYTES
    assert (found.adapter_bytes, found.peft_bytes, found.features_bytes) == (None, None, None)


def test_a_frozen_layer_has_weights_and_nothing_else(images):
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    model[0].requires_grad_(False)
    found = memory(model, torch.optim.SGD(model[1].parameters(), momentum=0.9), images)
    assert found.weights_bytes == (4 * 3 + 3 + 3 * 2 + 2) * FLOAT_BYTES
    assert found.num_trainable == 3 * 2 + 2
    assert found.gradient_bytes == found.optimizer_bytes == found.adapter_bytes == (3 * 2 + 2) * FLOAT_BYTES
    assert found.saved_for_backward_bytes == 5 * 3 * FLOAT_BYTES, "the input of the layer that trains"
    assert found.peft_bytes is None


def test_the_second_pass_finds_the_same(images):
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    optimizer = torch.optim.AdamW(model.parameters())
    assert memory(model, optimizer, images) == memory(model, optimizer, images)


def test_an_optimiser_without_state_keeps_nothing(images):
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters())
    step_of(model, optimizer, images)()
    assert state_bytes(optimizer) == 0
