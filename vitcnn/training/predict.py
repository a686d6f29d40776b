"""Computes the predictions of a trained module for a split."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitcnn.recipes.parts import TestTime
from vitcnn.spec import Precision
from vitcnn.training.objectives import CLASSIFICATION, Objective
from vitcnn.training.source import Source

PREDICT_BATCH = 512
"""Images that a model is asked about together."""

SHIFT_PX = 1


def predict(
    model: nn.Module,
    split: Source,
    *,
    precision: Precision,
    layout: torch.memory_format,
    objective: Objective = CLASSIFICATION,
    test_time: TestTime = "none",
) -> Tensor:
    """Return the model's confidences about every image of `split`, float32 (count, ...), on the host.

    Of classification they are the probability of every class, (count, classes).

    The model ends in eval mode.
    """
    model.eval()
    return torch.cat(
        [
            confidences(model, images, precision=precision, layout=layout, objective=objective, test_time=test_time)
            for images in split.in_order(max(1, round(PREDICT_BATCH / split.images_per_sample)))
        ]
    ).cpu()


def confidences(
    model: nn.Module,
    images: Tensor,
    *,
    precision: Precision,
    layout: torch.memory_format,
    objective: Objective = CLASSIFICATION,
    test_time: TestTime = "none",
) -> Tensor:
    """Return the model's confidences, float32 (batch, ...), about images (batch, channels, px, px) or sequences.

    The outputs are averaged over the copies of an image that `test_time` asks for.
    """
    kind = images.device.type
    with torch.inference_mode(), torch.autocast(kind, torch.bfloat16, enabled=precision == "bf16"):
        outputs = [
            weight * model(copy.contiguous(memory_format=layout)).float() for weight, copy in copies(images, test_time)
        ]
        return objective.confidences(torch.stack(outputs).sum(dim=0))


def copies(images: Tensor, test_time: TestTime) -> list[tuple[float, Tensor]]:
    """Return copies of `images` and their weights, which add up to 1.

    Shifted ones are moved by one pixel along the diagonal, up and down; the image as it is weighs half.
    Source: Jordan, arXiv 2404.00498, section 3.5.
    """
    if test_time == "none":
        return [(1.0, images)]
    if test_time == "flip":
        return [(0.5, images), (0.5, images.flip(-1))]
    padded = F.pad(images.flatten(0, -4), [SHIFT_PX] * 4, mode="reflect").unflatten(0, images.shape[:-3])
    px = images.shape[-1]
    last = 2 * SHIFT_PX
    shifted = [padded[..., start : start + px, start : start + px] for start in (0, last)]
    weighted = [(0.5, images), *((0.25, moved) for moved in shifted)]
    return [(weight / 2, copy) for weight, image in weighted for copy in (image, image.flip(-1))]
