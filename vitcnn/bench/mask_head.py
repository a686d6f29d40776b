"""Trains a 1x1 convolution on the last feature map of a trained model, so that it outlines what the model learnt."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitcnn.device import Device
from vitcnn.images import core_of, normalize
from vitcnn.inference.tiling import Dense, FeatureMap
from vitcnn.spec import InputShape, Precision

MOST_TILES = 1_000
"""Tiles that the head trains on at most: their feature maps are kept in memory."""

STEPS = 200
BATCH = 32
PEAK_LEARNING_RATE = 1e-2
"""The head is convex: any rate that does not diverge comes to about the same after so many steps of Adam."""


class MapOfLayers(nn.Module):
    """The last feature map of a model that is a sequence of layers: what the last layer returns that has places left.

    Images (batch, channels, px, px) -> (batch, features, rows, columns). It shares all with the model.
    """

    def __init__(self, model: nn.Module, core: nn.Sequential, shape: InputShape) -> None:
        super().__init__()
        in_front = [] if model is core else [module for module in model.children() if module is not core]
        values: Any = next(core.parameters())
        seen, last = nn.Sequential(*in_front)(torch.zeros(shape.of_batch(2), device=values.device)), 0
        for number, layer in enumerate(core, 1):
            seen = layer(seen)
            if seen.ndim == 4 and seen.shape[-1] > 1:
                last = number
        self.layers = nn.Sequential(*in_front, *list(core)[:last])

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.layers(images)
        return found


def last_map(model: nn.Module, shape: InputShape) -> nn.Module:
    """Return what returns the last feature map of `model`, in eval mode, for images of `shape`.

    UserError where it is neither a sequence of layers nor a classifier of timm's.
    """
    core = core_of(model)
    if not isinstance(core, nn.Sequential):
        return FeatureMap(model, shape)
    with torch.no_grad():
        return MapOfLayers(model, core, shape)


def outlining(
    model: nn.Module,
    images: Tensor,
    masks: Tensor,
    *,
    shape: InputShape,
    device: Device,
    precision: Precision,
    seed: int,
    steps: int = STEPS,
) -> nn.Module:
    """Return a model of each pixel, images (batch, channels, px, px) -> (batch, classes, px, px), of a trained one.

    Its head, a 1x1 convolution, trains on tiles, uint8 (tiles, channels, px, px), and the classes of their pixels,
    uint8 (tiles, px, px), both in host memory; all before it stays as it is. Each class weighs by the inverse root of
    its share of the pixels: without that, thin lines would be given up for the ground.
    """
    features = last_map(model.eval(), shape)
    maps = _maps(features, images, device, precision)
    torch.manual_seed(seed)
    head = nn.Conv2d(maps.shape[1], shape.num_classes, 1)
    with torch.no_grad():  # each feature by its deviation, so that one rate suits every model
        mean, deviation = maps.mean(dim=(0, 2, 3)), maps.std(dim=(0, 2, 3)) + 1e-5
    head = head.to(device.name)
    counts = torch.bincount(masks.flatten().long(), minlength=shape.num_classes).clamp(min=1)
    weights = (counts.sum() / counts).sqrt().to(device.name, torch.float32)
    updating = torch.optim.Adam(head.parameters(), lr=PEAK_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(updating, steps)
    draws, targets = torch.Generator().manual_seed(seed), masks.to(device.name)
    for _ in range(steps):
        chosen = torch.randint(len(maps), (min(BATCH, len(maps)),), generator=draws).to(device.name)
        scaled = (maps[chosen] - mean[:, None, None]) / deviation[:, None, None]
        logits = F.interpolate(head(scaled), size=shape.px, mode="bilinear")
        loss = F.cross_entropy(logits, targets[chosen].long(), weight=weights)
        updating.zero_grad()
        loss.backward()
        updating.step()
        schedule.step()
    return Dense(features, _unscaled(head, mean, deviation)).eval().requires_grad_(False)


def _maps(features: nn.Module, images: Tensor, device: Device, precision: Precision) -> Tensor:
    """Return the feature maps of all tiles, float32, on the device."""
    kind, found = device.kind, []
    for few in images.split(BATCH):
        with torch.inference_mode(), torch.autocast(kind, torch.bfloat16, enabled=precision == "bf16"):
            found.append(features(normalize(few.to(device.name))).float())
    return torch.cat(found).clone()  # no inference tensor: the head is trained on it


def _unscaled(head: nn.Conv2d, mean: Tensor, deviation: Tensor) -> nn.Conv2d:
    """Return the convolution that says of features as they are what `head` says of scaled ones."""
    assert head.bias is not None
    with torch.no_grad():
        head.weight /= deviation[None, :, None, None]
        head.bias -= (head.weight[:, :, 0, 0] * mean).sum(dim=1)
    return head
