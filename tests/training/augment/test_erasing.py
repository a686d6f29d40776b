import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torchvision.transforms import functional as TF

from vitcnn.recipes.parts import RandomErasing
from vitcnn.training.augment import erasing
from vitcnn.training.augment.erasing import Rectangles, draw_rectangles, erase
from vitcnn.training.block import Block

ALWAYS = RandomErasing(share=1.0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(count, channels=3, px=32):
    return torch.rand(count, channels, px, px, generator=generator(5)) + 0.5


def erased(images, bounds, seed=0):
    every = torch.arange(len(images))
    block = Block(images=images, targets=every, indices=every, epoch=0, num_classes=len(images))
    return erasing.random_erasing(block, bounds, generator(seed)).images


@given(
    drawn=st.lists(st.tuples(*[st.integers(0, 12)] * 4), min_size=1, max_size=5),
    channels=st.sampled_from([1, 3]),
)
def test_each_rectangle_is_torchvisions_erase(drawn, channels):
    top, left, height, width = (torch.tensor(values) for values in zip(*drawn, strict=True))
    images = noise(len(drawn), channels, px=12)
    ours = erase(images, Rectangles(top=top, left=left, height=height, width=width))
    expected = [TF.erase(image, *place, torch.zeros(1)) for image, place in zip(images, drawn, strict=True)]
    assert torch.equal(ours, torch.stack(expected))


@given(
    px=st.integers(3, 40),
    area=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)).map(sorted),
    aspect=st.tuples(st.floats(0.05, 20), st.floats(0.05, 20)).map(sorted),
    seed=st.integers(0, 99),
)
def test_rectangles_lie_in_the_image_whatever_the_bounds(px, area, aspect, seed):
    bounds = RandomErasing(share=1.0, area=tuple(area), aspect=tuple(aspect))
    drawn = draw_rectangles(bounds, 50, px, px, generator(seed))
    for start, size in ((drawn.top, drawn.height), (drawn.left, drawn.width)):
        assert (start >= 0).all()
        assert (size >= 0).all()
        assert (start + size <= px).all()
        assert (size < px).all()


def test_areas_are_uniform_and_aspect_ratios_log_uniform():
    px = 4096  # so large that whole pixels do not matter, and that only what is too long is drawn again
    bounds = RandomErasing(share=1.0, area=(0.02, 0.25), aspect=(0.3, 3.3))
    drawn = draw_rectangles(bounds, 4000, px, px, generator())
    area, aspect = (drawn.height * drawn.width).double() / px**2, drawn.height.double() / drawn.width
    assert stats.kstest(area, stats.uniform(0.02, 0.23).cdf).pvalue > 0.001
    low, high = math.log(0.3), math.log(3.3)
    assert stats.kstest(aspect.log(), stats.uniform(low, high - low).cdf).pvalue > 0.001


def test_corners_are_uniform_among_the_places_where_it_fits():
    bounds = RandomErasing(share=1.0, area=(0.25, 0.25), aspect=(1.0, 1.0))
    drawn = draw_rectangles(bounds, 6000, 8, 8, generator())
    assert set(drawn.height.tolist()) == set(drawn.width.tolist()) == {4}
    for start in (drawn.top, drawn.left):
        assert stats.chisquare(torch.bincount(start, minlength=5).numpy()).pvalue > 0.001


def test_sizes_are_as_often_drawn_as_by_torchvision():
    from torchvision.transforms.v2 import RandomErasing as Theirs

    torch.manual_seed(0)
    theirs, image = Theirs(p=1.0), torch.zeros(1, 28, 28)
    sampled = [theirs.make_params([image]) for _ in range(2000)]
    drawn = draw_rectangles(ALWAYS, 2000, 28, 28, generator())
    for ours, name in ((drawn.height, "h"), (drawn.width, "w"), (drawn.top, "i"), (drawn.left, "j")):
        assert stats.ks_2samp(ours.numpy(), [place[name] for place in sampled]).pvalue > 0.001


def test_where_no_rectangle_fits_nothing_is_erased():
    images = noise(20)
    assert torch.equal(erased(images, RandomErasing(share=1.0, area=(1.0, 1.0), aspect=(1.0, 1.0))), images)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_share_asked_for_is_erased(share):
    images = noise(400)
    changed = (erased(images, RandomErasing(share=share)) != images).flatten(1).any(dim=1)
    assert abs(changed.float().mean() - share) <= 4 * (share * (1 - share) / 400) ** 0.5


def test_each_image_has_its_own_rectangle():
    holes = (erased(torch.ones(100, 1, 32, 32), ALWAYS) == 0).flatten(1)
    assert len({hole.numpy().tobytes() for hole in holes}) > 95
