import weakref

import pytest
import torch
from torch import nn

from vitcnn import MemoryCase
from vitcnn.architectures import architecture
from vitcnn.bench.subject import Subject
from vitcnn.metrics.memory import saved_for_backward_bytes
from vitcnn.spec import InputShape

FLOAT_BYTES = 4


def saved_bytes(cpu, model, run):
    subject = Subject(
        case=MemoryCase(architecture="lenet", px=28, batch=5, phase="training"),
        architecture=architecture("lenet"),
        device=cpu,
        shape=InputShape(px=28, channels=1, num_classes=10),
        model=model,
        run=run,
        warm_up=lambda: (1, 1),
        images_per_run=5,
        settings={},
    )
    return list(saved_for_backward_bytes(subject))


def backward(model, images):
    return lambda: model(images).sum().backward()


@pytest.fixture
def images():
    return torch.rand(5, 4)


def test_a_branch_that_the_loss_does_not_use_is_let_go_of(cpu, images):
    """ReLU saves its own output: kept as it is, by a hook, it would hold itself."""
    stem = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    kept = []

    def run():
        unused = stem(images)
        kept.append(weakref.ref(unused))
        stem(images).sum().backward()

    saved_bytes(cpu, stem, run)
    assert kept[0]() is None


def test_a_linear_layer_keeps_its_input_and_its_weight_does_not_count(cpu, images):
    model = nn.Linear(4, 3)
    assert saved_bytes(cpu, model, backward(model, images)) == [5 * 4 * FLOAT_BYTES]


def test_the_weight_does_not_count_where_the_input_needs_a_gradient(cpu, images):
    model = nn.Linear(4, 3)
    assert saved_bytes(cpu, model, backward(model, images.requires_grad_())) == [5 * 4 * FLOAT_BYTES]


def test_what_relu_and_the_next_layer_share_counts_once(cpu, images):
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    # the first input, 5 x 4, and the output of ReLU, 5 x 3, which is the second layer's input as well
    assert saved_bytes(cpu, model, backward(model, images)) == [(5 * 4 + 5 * 3) * FLOAT_BYTES]


def test_sigmoid_keeps_its_output_and_tanh_its_own(cpu, images):
    model = nn.Sequential(nn.Linear(4, 3), nn.Sigmoid(), nn.Tanh())
    assert saved_bytes(cpu, model, backward(model, images)) == [(5 * 4 + 5 * 3 + 5 * 3) * FLOAT_BYTES]


def test_a_slice_keeps_its_whole_storage(cpu):
    whole = torch.rand(100, 4)
    model = nn.Linear(4, 3)
    assert saved_bytes(cpu, model, backward(model, whole[:5])) == [100 * 4 * FLOAT_BYTES]


def test_doubles_are_twice_as_large(cpu, images):
    model = nn.Linear(4, 3).double()
    assert saved_bytes(cpu, model, backward(model, images.double())) == [5 * 4 * 2 * FLOAT_BYTES]


def test_the_second_of_two_runs_counts_the_same(cpu, images):
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    run = backward(model, images)
    assert saved_bytes(cpu, model, run) == saved_bytes(cpu, model, run)


def test_inference_keeps_nothing_and_has_no_such_metric(cpu, images):
    model = nn.Linear(4, 3)

    def run():
        with torch.inference_mode():
            model(images)

    assert saved_bytes(cpu, model, run) == []
