"""On CUDA the host must not wait for the device inside an epoch, or each step costs a round trip."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from recipe_builders import EVERYTHING
from torch import nn

from vitcnn.device import resolve
from vitcnn.recipes.parts import Sgd
from vitcnn.spec import Split
from vitcnn.training import Resident, TrainingStep, num_batches, optimizers
from vitcnn.training.fit import batches

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
NUM_IMAGES, NUM_CLASSES = 260, 10
RECIPE = replace(EVERYTHING, batch=64)
MOMENTUM = Sgd(peak_learning_rate=0.01, weight_decay=5e-4)


@contextmanager
def no_synchronisation():
    """Raise RuntimeError where the host waits for the device."""
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


def test_a_host_that_waits_is_noticed():
    value = torch.ones((), device="cuda")
    with pytest.raises(RuntimeError, match="synchronizing"), no_synchronisation():
        value.item()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("optimizer", [RECIPE.optimizer, MOMENTUM], ids=lambda settings: settings.kind)
@pytest.mark.parametrize("channels, px", [(1, 28), (3, 32)])
def test_an_epoch_with_every_augmentation_does_not_wait_for_the_device(channels, px, optimizer, precision):
    device = resolve("cuda")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (NUM_IMAGES, channels, px, px), dtype=np.uint8)
    split = Split(images=images, labels=np.arange(NUM_IMAGES) % NUM_CLASSES)
    train = Resident.of(split, device, num_classes=NUM_CLASSES)
    model = nn.Sequential(
        nn.Conv2d(channels, 8, 3, stride=2),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, NUM_CLASSES),
    ).to(device.name, memory_format=torch.channels_last)
    step = TrainingStep(
        model,
        optimizers(model, optimizer),
        device=device,
        layout=torch.channels_last,
        precision=precision,
        mode="eager",
        label_smoothing=RECIPE.label_smoothing,
    )
    generator = torch.Generator(device.name).manual_seed(0)
    for images, targets in batches(train, RECIPE, generator, epoch=0):  # first calls may wait
        step(images, targets)
    total, num_steps = torch.zeros((), device=device.name), 0
    torch.cuda.synchronize()
    with no_synchronisation():
        for images, targets in batches(train, RECIPE, generator, epoch=1):
            total += step(images, targets)
            num_steps += 1
    assert num_steps == num_batches(train, RECIPE) == 4
    assert torch.isfinite(total).item()
