"""Augmentation of whole blocks on the device, with a different draw for each image; nothing here waits for the device.

Each kind of augmentation has one function here, which takes the block, the recipe's entry and a generator that lives on
the block's device, and returns the augmented block. What it draws and what it does with the draw are two functions, so
that the second can be held to a reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch import Generator

from vitcnn.images import normalize
from vitcnn.recipes.parts import (
    STAGES,
    Affine,
    AlternatingFlip,
    Augmentation,
    Crop,
    Flip,
    Jitter,
    Mix,
    RandomErasing,
    TrivialAugment,
)
from vitcnn.training.augment.colour import random_jitter
from vitcnn.training.augment.erasing import random_erasing
from vitcnn.training.augment.geometry import alternating_flip, random_affine, random_crop, random_flip
from vitcnn.training.augment.mixing import random_mix
from vitcnn.training.augment.trivial import random_trivial_augment
from vitcnn.training.block import Block

OPERATIONS: dict[type, Callable[[Block, Any, Generator], Block]] = {
    Crop: random_crop,
    Flip: random_flip,
    AlternatingFlip: alternating_flip,
    Affine: random_affine,
    Jitter: random_jitter,
    TrivialAugment: random_trivial_augment,
    RandomErasing: random_erasing,
    Mix: random_mix,
}


def augment(block: Block, augmentations: Sequence[Augmentation], generator: Generator) -> Block:
    """Apply `augmentations` in order to a block of bytes; its images end normalised."""
    for augmentation in augmentations:
        if not isinstance(augmentation, STAGES[0]):
            block = normalized(block)
        block = OPERATIONS[type(augmentation)](block, augmentation, generator)
    return normalized(block)


def normalized(block: Block) -> Block:
    """Return the block with floats -1..1 for bytes; itself where it has them."""
    if block.images.is_floating_point():
        return block
    return replace(block, images=normalize(block.images))
