"""Whether what a user's model learnt is in its state_dict: saved and loaded again, it must answer as it was tested."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from vitcnn.bench.models import WEIGHTS_SEED, seed_everything
from vitcnn.errors import CaseError

IMAGES_TO_COMPARE = 16

SAME = 0.02
"""Share of the largest answer, or of 1, by which two answers to one image may differ."""

LOST = (
    "what it learns outside of parameters and persistent buffers is lost where the model is saved. Register it with "
    "register_buffer, without persistent=False"
)


def require_kept(name: str, trained: nn.Module, new: nn.Module, answers: Callable[[nn.Module], Tensor]) -> None:
    """Raise CaseError where `new`, untrained and of the same kind, answers otherwise with the weights of `trained`.

    `answers` asks a model about some images: float (images, ...).
    """
    with torch.random.fork_rng(devices=()), torch.compiler.set_stance("force_eager"):
        try:
            new.load_state_dict(trained.state_dict())
        except RuntimeError as error:
            why = str(error).strip().splitlines()[-1].strip()
            raise CaseError(f"{name}: its state_dict after training does not load into a new model: {why}") from error
        asked = [_seeded(answers, model) for model in (trained, new)]
    expected, found = asked
    difference = float((expected - found).abs().max())
    if not difference <= SAME * max(1.0, float(expected.abs().max())):
        what = f"saved after training and loaded again it answers otherwise, by up to {difference:.3g}"
        raise CaseError(f"{name}: {what}: {LOST}")


def _seeded(answers: Callable[[nn.Module], Tensor], model: nn.Module) -> Tensor:
    """Ask with the same random numbers each time: a model may draw some when it is asked, too."""
    seed_everything(WEIGHTS_SEED)
    return answers(model).detach()
