"""FLOPs of what trains, by hand on a stack of linear layers and ordered on models of the catalogue."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from vitcnn import AdaptationCase, TrainingCase
from vitcnn.architectures import architecture
from vitcnn.bench.subject import Subject
from vitcnn.metrics.arithmetic import adapted_step_flops, flops_of_step, flops_per_run, macs
from vitcnn.spec import InputShape

IMAGES = 5
FORWARD = 2 * IMAGES * (4 * 3 + 3 * 2 + 2 * 6)
SHAPE = InputShape(px=28, channels=1, num_classes=10)
PHOTO = InputShape(px=224, channels=3, num_classes=10)


def stack(*trained):
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2), nn.Linear(2, 6)).requires_grad_(False)
    for index in trained:
        model[index].requires_grad_(True)
    return model


@pytest.mark.parametrize(
    "trained, backward_macs",
    [
        ((0, 1, 2), (4 * 3) + 2 * (3 * 2) + 2 * (2 * 6)),  # all weights, and the inputs of all layers but the first
        ((2,), 2 * 6),  # its weights alone: nothing before it needs a gradient
        ((1,), 3 * 2 + 2 * 6),  # its weights, and the input of the layer behind it
        ((0,), 4 * 3 + 3 * 2 + 2 * 6),
    ],
)
def test_flops_of_a_step_by_hand(trained, backward_macs):
    images = torch.zeros(IMAGES, 4, device="meta")
    assert flops_of_step(stack(*trained), images) == FORWARD + 2 * IMAGES * backward_macs


def test_a_frozen_grouped_convolution_by_hand():
    """2 groups of 2 inputs and 2 outputs, 3 x 3, on 5 x 5 pixels; before it a linear layer's worth that trains."""
    with torch.device("meta"):
        model = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False))
        images = torch.zeros(1, 4, 5, 5)
    model[1].requires_grad_(False)
    first, grouped = 25 * 4 * 4, 25 * 4 * 2 * 9
    assert flops_of_step(model, images) == 2 * (2 * first + 2 * grouped)


@pytest.mark.parametrize("name, lora", [("vit_tiny", "lora16_qv"), ("resnet18", "lora16_conv")])
def test_a_head_takes_less_than_lora_and_that_less_than_all(name, lora):
    entry = architecture(name)
    head, of_lora = (adapted_step_flops(entry, PHOTO, how) for how in ("head", lora))
    forward = 2 * macs(entry, PHOTO)
    assert forward < head < 1.001 * forward, "the forward, and the gradient of the head's weights"
    assert 1.5 * forward < of_lora < 3 * forward


def test_the_heads_step_by_hand():
    """A forward, and the gradient of a weight of 10 x 192."""
    entry = architecture("vit_tiny")
    assert adapted_step_flops(entry, PHOTO, "head") == 2 * macs(entry, PHOTO) + 2 * 10 * 192


def subject(cpu, case, images, **settings):
    return Subject(
        case=case,
        architecture=architecture(case.architecture),
        device=cpu,
        shape=SHAPE,
        run=lambda: None,
        warm_up=lambda: (1, 1),
        images_per_run=images,
        settings=settings,
    )


def test_a_run_of_each_kind(cpu):
    step = TrainingCase(architecture="vit_micro", px=28, batch=4)
    entry = architecture("vit_micro")
    forward = 2 * macs(entry, SHAPE)
    assert flops_per_run(subject(cpu, step, 4)) == 3 * forward * 4
    of_head = replace(step, adaptation="head")
    head = 2 * 10 * 96  # FLOPs of the head's forward, and as many of its gradient
    assert flops_per_run(subject(cpu, of_head, 4)) == (forward + head) * 4


def test_a_head_on_features_computes_each_view_once(cpu):
    case = AdaptationCase(architecture="vit_micro", task="digits", recipe="digits_vit", adaptation="head_views2")
    forward, head = 2 * macs(architecture("vit_micro"), SHAPE), 2 * 10 * 96
    found = flops_per_run(subject(cpu, case, 5 * 96, num_train_images=100))
    assert found == 2 * 100 * forward + 5 * 96 * 2 * head


def test_lora_on_seeds_is_the_step_times_the_images(cpu):
    case = AdaptationCase(architecture="vit_micro", task="digits", recipe="digits_vit", adaptation="lora4_qv")
    of_step = adapted_step_flops(architecture("vit_micro"), SHAPE, "lora4_qv")
    assert flops_per_run(subject(cpu, case, 96, num_train_images=100)) == 96 * of_step
