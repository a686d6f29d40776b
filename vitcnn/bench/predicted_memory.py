"""Predicts the peak of memory of a forward or a training step on CUDA, without a GPU: it runs on fake tensors.

The step is the one that is timed, `TrainingStep`; the model is built without memory. Workspaces of libraries and what
an operator allocates inside itself are not predicted.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode
from torch.optim import Optimizer

from vitcnn.adaptation.adapt import adapted
from vitcnn.adaptation.lora import merge
from vitcnn.adaptations import FULL, adaptation
from vitcnn.bench.as_on_cuda import AsOnCuda, enter_in_modules
from vitcnn.bench.lifetimes import CUDA_BLOCK_BYTES, Part, Peak, peak_of
from vitcnn.device import Device
from vitcnn.errors import NotPredictable, VitcnnError
from vitcnn.inference.forward import DTYPES, memory_format, resized
from vitcnn.recipes.parts import Optimizer as OptimizerSettings
from vitcnn.spec import Architecture, InputShape, Precision
from vitcnn.training import TrainingStep, optimizers

Kind = Literal["cpu", "cuda"]

REMEMBERED = 64
"""Predictions: cases of several questions ask for the same."""

PRETENDED = Device(name="cpu", key="fake")
"""Where fake tensors say that they are."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked about: a training step of `architecture` by `optimizer` on a batch of `shape`.

    `optimizer` None asks about one forward in inference mode instead. `channels_last` None is the architecture's own
    layout. `merged` adds LoRA's updates to the weights before. With `checkpointing` each block keeps its input alone
    and is computed again in the backward; without `fused_attention` the matrix of attention weights is held in memory.
    `kind` is of the device that the prediction is for: on CUDA other kernels run than on a CPU, and every allocation is
    rounded up to 512 bytes.
    """

    architecture: Architecture
    shape: InputShape
    batch: int
    precision: Precision = "fp32"
    optimizer: OptimizerSettings | None
    adaptation: str = FULL
    merged: bool = False
    checkpointing: bool = False
    fused_attention: bool = True
    channels_last: bool | None = None
    kind: Kind = "cuda"

    @property
    def block_bytes(self) -> int:
        """What an allocation is rounded up to a multiple of."""
        return CUDA_BLOCK_BYTES if self.kind == "cuda" else 1

    @property
    def layout(self) -> torch.memory_format:
        """The layout of images and weights."""
        if self.channels_last is None:
            return memory_format(self.architecture)
        return torch.channels_last if self.channels_last else torch.contiguous_format


@lru_cache(maxsize=REMEMBERED)
def predicted_peak(asked: Asked) -> Peak:
    """Return the memory at the peak, by what it is for.

    NotPredictable where the model needs numbers that fake tensors do not have, or cannot do what is asked.
    """
    as_there = AsOnCuda(fused_attention=asked.fused_attention) if asked.kind == "cuda" else nullcontext()
    try:
        model = model_without_memory(asked)
        if isinstance(as_there, AsOnCuda) and asked.checkpointing:
            enter_in_modules(as_there, model)
        with FakeTensorMode(allow_non_fake_inputs=True), as_there, torch.compiler.set_stance("force_eager"):
            return _peak(asked, faked(model))
    except VitcnnError:
        raise
    except (DataDependentOutputException, DynamicOutputShapeException) as error:
        raise NotPredictable(
            f"the memory of {asked.architecture.name} cannot be predicted: what it does depends on the numbers in its "
            f"tensors ({error}), and a prediction has none"
        ) from error
    except Exception as error:  # a model of the user's own raises anything where it finds no numbers
        first_line = str(error).partition("\n")[0]
        raise NotPredictable(
            f"the memory of {asked.architecture.name} cannot be predicted: {type(error).__name__}: {first_line}"
        ) from error


def model_without_memory(asked: Asked) -> nn.Module:
    """Return the model as it runs, on torch's meta device."""
    with torch.device("meta"):
        model = adapted(resized(asked.architecture, asked.shape), adaptation(asked.adaptation))
    if asked.merged:
        model = merge(model)
    if asked.checkpointing:
        checkpointed(model, asked.architecture)
    if asked.optimizer is None:
        model = model.eval().requires_grad_(False).to(DTYPES[asked.precision])
    return model.to(memory_format=asked.layout)


def checkpointed(model: nn.Module, entry: Architecture) -> None:
    """Let each block keep its input alone, as timm's models can; NotPredictable where a model cannot."""
    able: list[Any] = [module for module in model.modules() if hasattr(module, "set_grad_checkpointing")]
    if not able:
        raise NotPredictable(
            f"{entry.name} has no activation checkpointing (set_grad_checkpointing, as timm has it): leave it out"
        )
    able[0].set_grad_checkpointing(True)


def faked(model: nn.Module) -> nn.Module:
    """Put fake tensors in the place of a model's tensors on the meta device; what was shared stays shared."""
    made: dict[int, Tensor] = {}

    def fake_of(tensor: Tensor) -> Tensor:
        if id(tensor) not in made:
            empty = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=PRETENDED.name)
            is_parameter = isinstance(tensor, nn.Parameter)
            made[id(tensor)] = nn.Parameter(empty, requires_grad=tensor.requires_grad) if is_parameter else empty
        return made[id(tensor)]

    for module in model.modules():
        every: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
        for tensors in every:
            tensors.update({name: fake_of(tensor) for name, tensor in tensors.items() if tensor is not None})
    return model


def _peak(asked: Asked, model: nn.Module) -> Peak:
    """Return the peak of a run that is not the first: the optimiser has its state."""
    images = torch.empty(asked.shape.of_batch(asked.batch), device=PRETENDED.name)
    images = images.contiguous(memory_format=asked.layout)
    weights = [*model.parameters(), *model.buffers()]
    if asked.optimizer is None:
        images = images.to(DTYPES[asked.precision])
        run: Callable[[], object] = partial(in_inference, model, images)
        return peak_of(run, {"weights": weights, "inputs": [images]}, block_bytes=asked.block_bytes)
    labels = torch.empty(asked.batch, dtype=torch.int64, device=PRETENDED.name)
    updating = optimizers(model, asked.optimizer)
    step = TrainingStep(model, updating, device=PRETENDED, layout=asked.layout, precision=asked.precision, mode="eager")
    run = partial(step, images, labels)
    run()
    there: dict[Part, list[Tensor]] = {"weights": weights, "inputs": [images, labels], "optimizer": states(updating)}
    return peak_of(run, there, block_bytes=asked.block_bytes)


def in_inference(model: nn.Module, images: Tensor) -> Tensor:
    """Run one forward in inference mode."""
    with torch.inference_mode():
        return model(images)


def states(updating: list[Optimizer]) -> list[Tensor]:
    """Return all tensors that optimisers keep from one step to the next."""
    kept = (value for one in updating for state in one.state.values() for value in state.values())
    return [value for value in kept if isinstance(value, Tensor)]
