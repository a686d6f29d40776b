"""What a user's model is before training. Whoever builds it again, in this process or another, must get the same.

Models that share something which training changes, such as a layer in a default argument or a number in a class, are
not independent seeds: each goes on from what the one before it learnt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from vitcnn.bench.models import WEIGHTS_SEED, seed_everything
from vitcnn.errors import CaseError
from vitcnn.inference.forward import resized
from vitcnn.spec import Architecture, InputShape

CHANGED = (
    "training it changed what a new one is before training, so its seeds are not independent. Models must not share "
    "what training changes, such as a layer in a default argument, a class attribute or a table of the module: make "
    "it anew in __init__"
)


def untrained_sha256(entry: Architecture, shape: InputShape) -> str:
    """Return the SHA-256 of a user's model before training: weights, answers to two images in train mode, gradients.

    It changes with whatever the model reads besides its code: files, variables. An empty string stands for a model of
    vitcnn or timm, and for one that cannot be asked on a CPU.
    """
    if not entry.file:
        return ""
    with torch.random.fork_rng(devices=()), torch.enable_grad(), torch.compiler.set_stance("force_eager"):
        seed_everything(WEIGHTS_SEED)
        try:
            model = resized(entry, shape)
            answers = model(2 * torch.rand(shape.of_batch(2)) - 1)
            if answers.requires_grad:
                answers.square().sum().backward()
            gradients = [p.grad for p in model.parameters() if p.grad is not None]
            state = [value for value in model.state_dict().values() if isinstance(value, Tensor)]
            return sum_of([*state, *gradients, answers])
        except Exception:  # it fails where it is measured too, or needs a GPU
            return ""


def require_unchanged(entry: Architecture, shape: InputShape, before: str) -> None:
    """Raise CaseError where a model is not what it was `before` its seeds were trained, by `untrained_sha256`."""
    if before and untrained_sha256(entry, shape) != before:
        raise CaseError(f"{entry.name}: {CHANGED}")


def sum_by_name(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of tensors and their names, in whatever order."""
    names = sorted(tensors)
    return hashlib.sha256(" ".join([*names, sum_of(tensors[name] for name in names)]).encode()).hexdigest()


def sum_of(tensors: Iterable[Tensor]) -> str:
    """Return the SHA-256 of tensors in their order."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
