"""What of a model trains and answers, and what it sees: all of it images, or its head alone features of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn

from vitcnn.adaptation.parts import classifier
from vitcnn.adaptations import Head
from vitcnn.bench.setup import Setup
from vitcnn.recipes import Recipe
from vitcnn.training import Source


@dataclass(frozen=True, kw_only=True)
class Learner:
    """The module that trains and is asked, the recipe and the layout that it is trained by, and what it sees.

    `to_train_on` returns of a split, and the seed of its augmentation, what `module` trains on; `to_answer` returns of
    a split what it is asked about.
    """

    module: nn.Module
    recipe: Recipe
    layout: torch.memory_format
    to_train_on: Callable[[Source, int], Source]
    to_answer: Callable[[Source], Source]


def learner_of(setup: Setup, model: nn.Module) -> Learner:
    """Return what of `model` trains, and on what, as the adaptation of the case says."""
    if isinstance(setup.adaptation, Head):
        return Learner(
            module=classifier(model)[1],
            recipe=replace(setup.recipe, augmentation=()),  # features were augmented before they were computed
            layout=torch.contiguous_format,
            to_train_on=lambda split, seed: setup.features(model, split, seed=seed),
            to_answer=lambda split: setup.features(model.eval(), split, views=1),
        )
    return Learner(
        module=model,
        recipe=setup.recipe,
        layout=setup.layout,
        to_train_on=lambda split, _seed: split,
        to_answer=lambda split: split,
    )
