"""For given draws a GPU does to images what a CPU does: the references of the other tests are computed on a CPU."""

from dataclasses import fields

import pytest
import torch

from vitcnn.recipes.parts import Crop, Mix, RandomErasing
from vitcnn.training.augment.colour import jitter
from vitcnn.training.augment.erasing import draw_rectangles, erase
from vitcnn.training.augment.geometry import coins, crop, flip
from vitcnn.training.augment.mixing import Draws as MixDraws
from vitcnn.training.augment.mixing import draw as draw_mix
from vitcnn.training.augment.mixing import mix
from vitcnn.training.augment.trivial import draw, trivial_augment
from vitcnn.training.block import Block

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
COUNT, PX = 1000, 32


def generator():
    return torch.Generator().manual_seed(0)


def photos():
    return torch.randint(0, 256, (COUNT, 3, PX, PX), dtype=torch.uint8, generator=generator())


def moved(draws):
    """Return draws, a dataclass of tensors, on the GPU."""
    return type(draws)(**{field.name: getattr(draws, field.name).cuda() for field in fields(draws)})


@pytest.mark.parametrize("fill", ["zeros", "reflect"])
def test_crops_are_the_same(fill):
    bounds, images = Crop(padding_px=4, fill=fill), photos()
    top, left = torch.randint(0, 9, (2, COUNT), generator=generator())
    assert torch.equal(
        crop(images.cuda(), bounds, top.cuda(), left.cuda()).cpu(), crop(images, bounds, top, left).contiguous()
    )


def test_flips_are_the_same():
    images, mirrored = photos(), coins(torch.arange(COUNT)) == 1
    assert torch.equal(coins(torch.arange(COUNT, device="cuda")).cpu() == 1, mirrored)
    assert torch.equal(flip(images.cuda(), mirrored.cuda()).cpu(), flip(images, mirrored))


def test_erased_rectangles_are_the_same():
    images, drawn = photos().float(), draw_rectangles(RandomErasing(share=1.0), COUNT, PX, PX, generator())
    assert torch.equal(erase(images.cuda(), moved(drawn)).cpu(), erase(images, drawn))


def test_jittered_images_are_the_same_to_a_level():
    images, factors = photos(), torch.rand((2, COUNT), dtype=torch.float64, generator=generator()) + 0.5
    difference = jitter(images.cuda(), *factors.cuda()).cpu().int() - jitter(images, *factors).int()
    assert difference.abs().max() <= 1
    assert (difference != 0).float().mean() < 0.05


def test_trivially_augmented_images_are_the_same_but_for_rounding():
    images, draws = photos(), draw(COUNT, generator())
    difference = trivial_augment(images.cuda(), moved(draws)).cpu().int() - trivial_augment(images, draws).int()
    assert (difference.abs() > 1).float().mean() < 0.005, "pixels halfway between two, of warped images"
    assert (difference != 0).float().mean() < 0.05


def test_mixed_images_and_targets_are_the_same():
    images, labels = photos().float() / 255, torch.arange(COUNT) % 10
    draws = draw_mix(Mix(), COUNT, PX, generator())
    on_gpu = MixDraws(share=draws.share.cuda(), cut=moved(draws.cut))

    def mixed(device, draws):
        places = labels.to(device)
        block = Block(images=images.to(device), targets=places, indices=places, epoch=0, num_classes=10)
        done = mix(block, draws)
        return done.images.cpu(), done.targets.cpu()

    for ours, expected in zip(mixed("cuda", on_gpu), mixed("cpu", draws), strict=True):
        torch.testing.assert_close(ours, expected)
