"""Features of a split, computed once by a frozen backbone: what a head trains on in place of images."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Generator, Tensor, nn

from vitcnn.device import Device, spare_bytes
from vitcnn.recipes.parts import Augmentation, Recipe
from vitcnn.spec import Precision
from vitcnn.training.augment import augment
from vitcnn.training.block import Block
from vitcnn.training.predict import PREDICT_BATCH
from vitcnn.training.source import Source, host_seed

SHAPE_IMAGES = 2
"""Images that are asked about to know how large features are."""


@dataclass(frozen=True, kw_only=True)
class Features:
    """Features of each view of each image, (views, images, ...), on the device or in a file that is mapped to memory.

    Epoch i reads view i modulo the number of views. `labels` are int64 (images,), on the device.
    """

    views: Tensor
    labels: Tensor
    num_classes: int
    folder: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def images_per_sample(self) -> float:
        return 1.0

    @property
    def bytes_per_sample(self) -> int:
        """Bytes of one image's features."""
        return self.views[0, 0].nbytes

    def bytes_of(self, count: int) -> int:
        """Bytes of the features of all views of `count` images."""
        return len(self.views) * count * self.bytes_per_sample

    def first(self, count: int) -> Features:
        """Return those of the first `count` images, or of all where there are fewer."""
        return replace(self, views=self.views[:, :count], labels=self.labels[:count])

    def shuffled(self, count: int, block: int, generator: Generator, epoch: int) -> Iterator[Block]:
        """Yield `count` samples of the epoch's view in random order, `block` at a time, on the device.

        Of a file the host draws the order, since it reads it.
        """
        view, device = self.views[epoch % len(self.views)], self.labels.device
        if self.folder is None:
            order = torch.randperm(len(self), generator=generator, device=device)[:count]
        else:
            drawn = torch.Generator().manual_seed(host_seed(generator, epoch))
            order = torch.randperm(len(self), generator=drawn)[:count]
        for indices in order.split(block):
            on_device = indices.to(device)
            yield Block(
                images=view.index_select(0, indices).to(device),
                targets=self.labels[on_device],
                indices=on_device,
                epoch=epoch,
                num_classes=self.num_classes,
            )

    def in_order(self, batch: int) -> Iterator[Tensor]:
        """Yield the features of the first view in order, on the device."""
        for features in self.views[0].split(batch):
            yield features.to(self.labels.device)


def features_of(
    backbone: nn.Module,
    source: Source,
    *,
    device: Device,
    layout: torch.memory_format,
    precision: Precision,
    num_classes: int,
    recipe: Recipe | None = None,
    views: int = 1,
    seed: int = 0,
    folder: Path | None = None,
) -> Features:
    """Return what `backbone`, in eval mode, makes of each image of `source`: as it is, or of `views` augmented views.

    View i is augmented as the i-th epoch of training by `recipe` with `seed` would be. Where the features take more
    than a quarter of the device's free memory they are written to a file below `folder`, which goes when they do.
    """
    autocast = torch.autocast(device.kind, torch.bfloat16) if precision == "bf16" else nullcontext()

    def ask(images: Tensor) -> Tensor:
        with torch.inference_mode(), autocast:
            found: Tensor = backbone(images.contiguous(memory_format=layout))
            return found.float() if precision == "fp32" else found

    backbone = backbone.to(device.name).to(memory_format=layout).eval()
    one = ask(next(source.in_order(SHAPE_IMAGES)))
    kept, temporary = _room((views, len(source), *one.shape[1:]), one.dtype, device, folder)
    if views == 1:
        at = 0
        for images in source.in_order(PREDICT_BATCH):
            kept[0, at : at + len(images)] = ask(images)
            at += len(images)
    else:
        assert recipe is not None, "views are augmented by a recipe"
        generator = torch.Generator(device.name).manual_seed(seed)
        for view in range(views):
            for indices, images in _augmented(source, recipe, generator, view):
                kept[view, indices.to(kept.device)] = ask(images).to(kept.device)
    labels = source.labels.to(device.name)
    return Features(views=kept, labels=labels, num_classes=num_classes, folder=temporary)


def _augmented(source: Source, recipe: Recipe, generator: Generator, view: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the places and the augmented images of all of `source`, some at a time."""
    changes: Sequence[Augmentation] = recipe.augmentation
    for block in source.shuffled(len(source), PREDICT_BATCH, generator, view):
        yield block.indices, augment(block, changes, generator).images


def _room(
    shape: tuple[int, ...], dtype: torch.dtype, device: Device, folder: Path | None
) -> tuple[Tensor, tempfile.TemporaryDirectory[str] | None]:
    """Return a tensor of `shape` on the device, or where it is too large for that, in a file in a folder of its own."""
    count = torch.Size(shape).numel()
    if count * dtype.itemsize <= spare_bytes(device):
        return torch.empty(shape, dtype=dtype, device=device.name), None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    temporary = tempfile.TemporaryDirectory(prefix=".features", dir=folder)
    mapped = torch.from_file(str(Path(temporary.name, "views")), shared=True, size=count, dtype=dtype)
    return mapped.view(shape), temporary
