"""Defines the metrics of a model's arithmetic: MACs, the rate of the device, and the share of it that training uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from statistics import median
from typing import TYPE_CHECKING

from vitcnn.adaptations import FULL, Adaptation, Full, Head, adaptation
from vitcnn.metrics.metric import Metric, exact, of_time
from vitcnn.spec import AdaptableCase, TrainedCase

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vitcnn.bench.subject import Subject
    from vitcnn.device.arithmetic import Peak
    from vitcnn.spec import Architecture, InputShape

FORWARDS_PER_STEP = 3
FLOPS_PER_MAC = 2

IMAGES_TO_COUNT = 2
"""Images of the step that is counted: BatchNorm, where it trains, refuses one."""


def macs_at_input(subject: Subject) -> Sequence[float]:
    """Return the multiply-accumulates of one forward of one image at the case's input resolution."""
    return [macs(subject.architecture, subject.shape)]


@cache
def macs(architecture: Architecture, shape: InputShape) -> int:
    """Count by torch's flop counter: matrix products, convolutions and attention.

    On the meta device, which has no memory; what cannot run there, since it looks at values, is counted on the CPU.
    """
    return _flops(architecture, shape, _forward_flops) // FLOPS_PER_MAC


@cache
def adapted_step_flops(architecture: Architecture, shape: InputShape, name: str) -> float:
    """Count the FLOPs of one image in a step of a model adapted by `name`, by torch's counter: forward and backward.

    Frozen layers have no gradients of weights, and nothing before the first layer that trains has a backward.
    """
    return _flops(architecture, shape, partial(_step_flops, adaptation(name))) / IMAGES_TO_COUNT


def _flops(
    architecture: Architecture, shape: InputShape, count: Callable[[nn.Module, Callable[[int], Tensor]], int]
) -> int:
    try:
        return _flops_on("meta", architecture, shape, count)
    except Exception:
        return _flops_on("cpu", architecture, shape, count)


def _flops_on(
    device: str,
    architecture: Architecture,
    shape: InputShape,
    count: Callable[[nn.Module, Callable[[int], Tensor]], int],
) -> int:
    """Return what `count` counts of the model, given it and what makes images for it."""
    import torch

    model_shape = replace(shape, px=architecture.model_px(shape.px))
    with torch.device(device), torch.random.fork_rng(devices=()), torch.compiler.set_stance("force_eager"):
        return count(architecture.build(shape), lambda images: torch.zeros(model_shape.of_batch(images)))


def _forward_flops(model: nn.Module, images: Callable[[int], Tensor]) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()(images(1))
    return counter.get_total_flops()


def _step_flops(how: Adaptation, model: nn.Module, images: Callable[[int], Tensor]) -> int:
    from vitcnn.adaptation.adapt import adapted

    return flops_of_step(adapted(model, how), images(IMAGES_TO_COUNT))


def flops_of_step(model: nn.Module, images: Tensor) -> int:
    """Return the FLOPs of a forward of `images` and of the backward of what `model` trains."""
    from torch.utils.flop_counter import FlopCounterMode

    from vitcnn.training.step import in_training_mode

    with FlopCounterMode(display=False) as counter:
        in_training_mode(model)(images).sum().backward()
    return counter.get_total_flops()


def peak_of(subject: Subject) -> Peak:
    """Return the best that the device was seen to reach in the case's precision; a case above it is looked at again."""
    from vitcnn.device.arithmetic import peak

    fastest = flops_per_run(subject) / min(subject.times_s)
    return peak(subject.device, subject.case.precision, reached_flops_per_s=fastest)


def matmul_flops_per_s(subject: Subject) -> Sequence[float]:
    """Return the best of several large matrix products."""
    return [peak_of(subject).matmul_flops_per_s]


def convolution_flops_per_s(subject: Subject) -> Sequence[float]:
    """Return the best of several large 3x3 convolutions."""
    return [peak_of(subject).convolution_flops_per_s]


def model_flop_utilisation(subject: Subject) -> Sequence[float]:
    """Return the median round's share of the peak."""
    return [flops_per_run(subject) / median(subject.times_s) / peak_of(subject).flops_per_s]


def flops_per_run(subject: Subject) -> float:
    """Return what the model computes in one run: of a case that trains, in the training of one seed."""
    case, forward_macs = subject.case, macs(subject.architecture, subject.shape)
    if subject.forwards_per_run is not None:
        return FLOPS_PER_MAC * forward_macs * subject.forwards_per_run
    name = case.adaptation if isinstance(case, AdaptableCase) else FULL
    how = adaptation(name)
    if isinstance(how, Full):
        return FORWARDS_PER_STEP * FLOPS_PER_MAC * forward_macs * subject.images_per_run
    of_step = adapted_step_flops(subject.architecture, subject.shape, name)
    if isinstance(how, Head) and isinstance(case, TrainedCase):
        of_head = of_step - FLOPS_PER_MAC * forward_macs  # the gradient of its weights, as much as its forward
        features = FLOPS_PER_MAC * forward_macs * how.views * subject.settings["num_train_images"]
        return features + FLOPS_PER_MAC * of_head * subject.images_per_run
    return of_step * subject.images_per_run


MACS = Metric(
    name="macs", unit="MAC", better="lower", tolerance=exact, rule="exact", reads="size", measure=macs_at_input
)
"""Multiply-accumulates of one forward of one image; a FLOP count is twice this."""

MATMUL_FLOPS_PER_S = Metric(
    name="matmul_flops_per_s",
    unit="FLOP/s",
    better="higher",
    tolerance=of_time,
    rule="unjudged",
    reads="arithmetic",
    measure=matmul_flops_per_s,
)
"""FLOP/s of a large matrix product on the device, in the case's precision, the best that this process has seen."""

CONVOLUTION_FLOPS_PER_S = replace(MATMUL_FLOPS_PER_S, name="convolution_flops_per_s", measure=convolution_flops_per_s)
"""FLOP/s of a large 3x3 convolution on the device, likewise. The larger of the two is the peak."""

MODEL_FLOP_UTILISATION = Metric(
    name="model_flop_utilisation",
    unit="1",
    better="higher",
    tolerance=of_time,
    rule="unjudged",
    reads="arithmetic",
    measure=model_flop_utilisation,
)
"""The model's own FLOP/s in training, inference or reading frames, as a share of the peak here: the larger of the
FLOP/s of a large matrix product and of a large convolution, as this process has seen them.

Where all trains, a step is taken as three forwards (the backward costs two), a multiply-accumulate as two FLOPs. Of an
adapted model it is what is computed: what is frozen has no gradients of weights, and what comes before all that trains
no backward; where the head alone trains on features, the model's forward counts once for each view. Of inference it is
the forwards of the model without LoRA's updates. Of a frame it is
the forwards of its tiles, or of as many as have the pixels of a frame that is taken whole. What the optimiser,
augmentation, resizing and blending compute does not count, nor do they stop the clock.
Source: Chowdhery et al., PaLM, arXiv 2204.02311, appendix B, which divides by the vendor's peak instead.
"""
