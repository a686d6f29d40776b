"""Features that are computed once train a head as running the frozen backbone again and again would."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn

from vitcnn.adaptation.adapt import adapted
from vitcnn.adaptation.parts import backbone, classifier
from vitcnn.adaptations import Head
from vitcnn.recipes.parts import AdamW, Affine, Recipe
from vitcnn.spec import Split
from vitcnn.training import Resident, fit
from vitcnn.training import features as module
from vitcnn.training.augment import augment
from vitcnn.training.block import Block
from vitcnn.training.features import Features, features_of

RECIPE = Recipe(
    name="test",
    epochs=4,
    batch=8,
    optimizer=AdamW(peak_learning_rate=0.05, weight_decay=0.01),
    warmup_share=0.1,
    augmentation=(Affine(degrees=20, translate_px=1, scale=0.1, shear_degrees=0),),
    source="a test",
)
STILL = replace(RECIPE, augmentation=())
LAYOUT = torch.contiguous_format
HOW = {"layout": LAYOUT, "precision": "fp32"}


def new_model():
    """A model whose statistics would move if the frozen part were not in eval mode."""
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3)
    )


@pytest.fixture
def train(cpu):
    draw = np.random.default_rng(0)
    split = Split(images=draw.integers(0, 256, (40, 1, 8, 8), dtype=np.uint8), labels=draw.integers(0, 3, 40))
    return Resident.of(split, cpu, num_classes=3)


def of(model, source, cpu, **more):
    return features_of(backbone(model), source, device=cpu, num_classes=3, **HOW, **more)


def trained(model, source, cpu, recipe=STILL):
    return fit(model, source, recipe=recipe, device=cpu, mode="eager", seed=5, **HOW)


def test_features_are_what_the_classifier_is_given(train, cpu):
    model = new_model().eval()
    features = of(model, train, cpu)
    shown = train.images.float() * 2 / 255 - 1
    torch.testing.assert_close(features.views[0], model[:-1](shown), atol=1e-5, rtol=1e-5)
    assert (len(features), features.views.shape, features.labels.tolist()) == (40, (1, 40, 16), train.labels.tolist())


def test_a_head_on_features_ends_as_the_same_head_on_a_frozen_backbone_that_runs_each_epoch(train, cpu):
    naive = adapted(new_model(), Head())
    before = copy.deepcopy(naive.state_dict())
    history = trained(naive, train, cpu)
    model = new_model()
    on_features = trained(classifier(model)[1], of(model, train, cpu), cpu)
    torch.testing.assert_close(on_features.losses, history.losses, atol=1e-5, rtol=1e-5)
    for name, tensor in naive.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], tensor, atol=1e-4, rtol=1e-4)
        assert torch.equal(tensor, before[name]) == (not name.startswith("5.")), "only the head moves, no statistics do"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Augmented views of images, stored as floats: what a frozen backbone is shown epoch by epoch."""

    views: torch.Tensor
    labels: torch.Tensor
    images_per_sample = 1.0
    bytes_per_sample = 256

    def __len__(self) -> int:
        return len(self.labels)

    def in_order(self, batch) -> Iterator[torch.Tensor]:
        yield from self.views[0].split(batch)

    def shuffled(self, count, block, generator, epoch) -> Iterator[Block]:
        order = torch.randperm(len(self), generator=generator)[:count]
        for indices in order.split(block):
            images, targets = self.views[epoch % len(self.views), indices], self.labels[indices]
            yield Block(images=images, targets=targets, indices=indices, epoch=epoch, num_classes=3)


def views_by_hand(train, count, seed):
    """Return `count` augmented views of all images, as the project's own augmentation draws them block by block."""
    generator, views = torch.Generator().manual_seed(seed), []
    for epoch in range(count):
        view = torch.empty(len(train), 1, 8, 8)
        for block in train.shuffled(len(train), 512, generator, epoch):
            view[block.indices] = augment(block, RECIPE.augmentation, generator).images
        views.append(view)
    return torch.stack(views)


def test_a_head_on_features_of_views_ends_as_the_same_head_on_a_frozen_backbone_that_sees_these_views(train, cpu):
    naive = adapted(new_model(), Head(views=2))
    trained(naive, Stored(views=views_by_hand(train, 2, seed=9), labels=train.labels), cpu)
    model = new_model()
    features = of(model, train, cpu, recipe=RECIPE, views=2, seed=9)
    assert not torch.equal(*features.views)
    trained(classifier(model)[1], features, cpu)
    torch.testing.assert_close(model[-1].weight, naive[-1].weight, atol=1e-4, rtol=1e-4)


def test_features_too_large_for_the_memory_lie_in_a_file_that_goes_with_them(train, cpu, monkeypatch, tmp_path):
    in_memory = of(new_model(), train, cpu)
    monkeypatch.setattr(module, "spare_bytes", lambda _device: in_memory.views.nbytes - 1)
    features = of(new_model(), train, cpu, folder=tmp_path)
    [folder] = tmp_path.iterdir()
    assert (folder / "views").stat().st_size == in_memory.views.nbytes
    assert torch.equal(features.views, in_memory.views)
    blocks = list(features.shuffled(16, 8, torch.Generator().manual_seed(0), epoch=0))
    assert [len(block.targets) for block in blocks] == [8, 8]
    for block in blocks:
        assert torch.equal(block.images, in_memory.views[0, block.indices])
        assert torch.equal(block.targets, train.labels[block.indices])
    assert torch.equal(torch.cat(list(features.in_order(7))), in_memory.views[0])
    first = features.first(5)
    del features, blocks
    assert folder.exists(), "a part of it is still in use"
    del first
    assert not folder.exists()


def test_each_epoch_reads_its_view_in_an_order_of_its_own(cpu):
    views = torch.arange(2)[:, None, None].expand(2, 6, 1).float()
    features = Features(views=views, labels=torch.arange(6), num_classes=6)
    generator = torch.Generator().manual_seed(0)
    epochs = [next(features.shuffled(6, 6, generator, epoch)) for epoch in range(3)]
    assert [block.images.unique().tolist() for block in epochs] == [[0.0], [1.0], [0.0]]
    assert len({tuple(block.indices.tolist()) for block in epochs}) == 3


def test_in_bf16_features_are_stored_as_they_are_computed(train, cpu):
    features = features_of(backbone(new_model()), train, device=cpu, layout=LAYOUT, precision="bf16", num_classes=3)
    assert features.views.dtype == torch.bfloat16
    assert features.bytes_per_sample == 32
