"""Geometric augmentations: crop, flip and affine transforms."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from vitcnn.images import affine_matrices, warp
from vitcnn.recipes.parts import Affine, AlternatingFlip, Crop, Flip
from vitcnn.training.block import Block


def random_crop(block: Block, bounds: Crop, generator: Generator) -> Block:
    """Shift each image by whole pixels, drawn in +- `padding_px` down and across."""
    count, device = len(block.images), block.images.device
    shifts = torch.randint(0, 2 * bounds.padding_px + 1, (2, count), generator=generator, device=device)
    return replace(block, images=crop(block.images, bounds, shifts[0], shifts[1]))


def crop(images: Tensor, bounds: Crop, top: Tensor, left: Tensor) -> Tensor:
    """Cut (px, px) windows at `top` and `left`, int64 (batch,), 0..2 padding_px, out of the padded images.

    A window is one run of memory, from its first pixel to its last one: the result is a view of copies of such runs.
    """
    count, channels, px, _ = images.shape
    padded = padded_by(bounds, images)
    width = padded.shape[-1]
    area = width * width
    run = (channels - 1) * area + (px - 1) * width + px
    runs = padded.as_strided((padded.numel() - run + 1, run), (1, 1))  # row i is the run that starts at pixel i
    every = torch.arange(count, device=images.device)
    cut = runs.index_select(0, every * (channels * area) + top * width + left)
    return cut.as_strided((count, channels, px, px), (run, area, width, 1))


def padded_by(bounds: Crop, images: Tensor) -> Tensor:
    """Return `images` with `padding_px` more pixels on each side; contiguous."""
    size, last = bounds.padding_px, images.shape[-1] - 1
    if size == 0:
        return images.contiguous()
    if bounds.fill == "zeros":
        return F.pad(images, [size] * 4)
    for dim in (-1, -2):  # F.pad reflects bytes on a CPU only
        before, after = images.narrow(dim, 1, size), images.narrow(dim, last - size, size)
        images = torch.cat((before.flip(dim), images, after.flip(dim)), dim)
    return images


def random_flip(block: Block, bounds: Flip, generator: Generator) -> Block:
    """Mirror each image left to right with probability `share`."""
    device = block.images.device
    mirrored = torch.rand(len(block.images), generator=generator, device=device) < bounds.share
    return replace(block, images=flip(block.images, mirrored))


def alternating_flip(block: Block, _bounds: AlternatingFlip, _generator: Generator) -> Block:
    """Mirror each image in every other epoch, half of the images, by a hash of their place, in the even ones."""
    return replace(block, images=flip(block.images, (coins(block.indices) + block.epoch) % 2 == 1))


def coins(indices: Tensor) -> Tensor:
    """Return a coin, int64 0 or 1, for each index, int64 from 0: always the same for the same index.

    The last bit of MurmurHash3's final mix of 32 bits, by Austin Appleby.
    """
    mixed = indices + 1
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        mixed = ((mixed ^ (mixed >> shift)) * factor) & 0xFFFFFFFF
    return (mixed ^ (mixed >> 16)) & 1


def flip(images: Tensor, mirrored: Tensor) -> Tensor:
    """Mirror the images, (batch, channels, px, px), that `mirrored`, bool (batch,), says."""
    count = len(images)
    both = torch.cat((images, images.flip(-1)))
    return both.index_select(0, torch.arange(count, device=images.device) + mirrored * count)


def random_affine(block: Block, bounds: Affine, generator: Generator) -> Block:
    """Turn, shear, scale and shift each image, float, by its own draw.

    What comes from outside the image repeats the nearest border pixel.
    """
    count, _, height, width = block.images.shape
    draws = torch.rand((5, count), generator=generator, device=block.images.device).mul_(2).sub_(1)
    angle, shear = draws[0] * math.radians(bounds.degrees), draws[1] * math.radians(bounds.shear_degrees)
    zoom = 1 + draws[2] * bounds.scale
    shift_x, shift_y = draws[3] * (2 * bounds.translate_px / width), draws[4] * (2 * bounds.translate_px / height)
    return replace(block, images=warp(block.images, affine_matrices(angle, shear, zoom, shift_x, shift_y)))
