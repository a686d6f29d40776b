from dataclasses import replace
from math import pi

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_fill_holes
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from sklearn.linear_model import LogisticRegression

from vitcnn.architectures.cnn import LENET
from vitcnn.recipes.parts import at_rate
from vitcnn.recipes.small import PHOTOS_CNN
from vitcnn.tasks import shapes
from vitcnn.tasks.shapes import DISTANCES, SHAPES, make_shapes
from vitcnn.training import Resident, fit, predict

POINTS = {
    "disc": ([(0, 0), (0.6, 0.6)], [(0.7, 0.7), (-0.95, 0)]),
    "ring": ([(0.7, 0), (0, -0.85)], [(0, 0), (0.4, 0), (0.95, 0)]),
    "square": ([(0, 0), (0.65, -0.65)], [(0.75, 0), (0, -0.8)]),
    "frame": ([(0.55, 0), (0.55, 0.55), (-0.1, 0.6)], [(0, 0), (0.3, 0.3), (0.8, 0)]),
    "triangle": ([(0.9, 0), (-0.45, 0.7), (-0.45, -0.7)], [(-0.55, 0), (0.5, 0.5), (0, 0.65)]),
    "star": ([(0.9, 0), (0.28, 0.86), (-0.35, 0)], [(0.4, 0.3), (-0.5, 0), (0.55, -0.4)]),
    "cross": ([(0, 0), (0.85, 0.2), (-0.2, -0.85)], [(0.4, 0.4), (-0.35, 0.35), (0.95, 0)]),
    "crescent": ([(-0.6, 0), (0.3, 0.8), (0.3, -0.8)], [(0, 0), (0.85, 0), (-0.95, 0)]),
    "bar": ([(0.9, 0.25), (-0.9, -0.25)], [(0, 0.35), (1, 0)]),
    "dumbbell": ([(0.9, 0), (-0.6, 0.35), (0, 0.1)], [(0, 0.2), (0.2, -0.2), (1.05, 0)]),
}
"""Points inside and points outside of each shape, read off its drawing; its radius is 1."""

LOOKS = {
    "disc": (0, 1, 1),
    "ring": (1, 1, 1),
    "square": (0, 2 / pi, 1),
    "frame": (1, 2 / pi, 1),
    "triangle": (0, 1.299 / (pi * 0.75), 1),
    "star": (0, 1.176 / (pi * 0.9045), 1.176 / 2.378),
    "cross": (0, 1.702 / (pi * 0.888), 1.702 / 2.471),
    "crescent": (0, 1.240 / (pi * 0.81), 1.240 / 2.120),
    "bar": (0, 1.14 / (pi * 0.9925), 1),
    "dumbbell": (0, 1.10 / pi, 1.10 / 1.463),
}
"""By hand: has it a hole; area of its outline, of the disc as wide as it is long, and of its convex hull."""


def make(*, num_train=120, num_test=40, seed=0):
    return make_shapes(num_train=num_train, num_test=num_test, seed=seed, progress=lambda *_unused: None)


@pytest.fixture(scope="module")
def made():
    return make(num_train=8_000, num_test=1_000)


def test_task_describes_its_data():
    assert (SHAPES.name, SHAPES.recipes) == ("shapes", "photos")
    assert (SHAPES.shape.px, SHAPES.shape.channels, SHAPES.shape.num_classes) == (32, 3, 10)
    assert SHAPES.classes == tuple(POINTS) == tuple(LOOKS)


def test_images_are_coloured_bytes_and_classes_balanced_and_shuffled(made):
    for part, count in ((made.train, 8_000), (made.test, 1_000)):
        assert part.images.dtype == np.uint8
        assert part.images.shape == (count, 3, 32, 32)
        assert part.labels.dtype == np.int64
        assert np.array_equal(np.bincount(part.labels), [count // 10] * 10)
        assert len(set(part.labels[:50])) > 5, "not sorted by class"


@pytest.mark.parametrize("num_train, num_test", [(1, 1), (7, 3), (1_003, 5), (5, 0)])
def test_any_number_of_images_can_be_made(num_train, num_test):
    data = make(num_train=num_train, num_test=num_test)
    for part, count in ((data.train, num_train), (data.test, num_test)):
        assert part.images.shape == (count, 3, 32, 32)
        counts = np.bincount(part.labels, minlength=10)
        assert counts.sum() == count
        assert counts.max() - counts.min() <= 1


def test_same_seed_makes_the_same_images_and_another_seed_others():
    assert make(seed=5).sha256 == make(seed=5).sha256
    assert make(seed=5).sha256 != make(seed=6).sha256


def test_no_two_images_are_alike_and_parts_are_disjoint(made):
    images = [image.tobytes() for part in (made.train, made.test) for image in part.images]
    assert len(set(images)) == len(images)


@pytest.mark.parametrize("name", DISTANCES)
def test_distance_is_below_zero_inside_and_above_outside(name):
    inside, outside = (torch.tensor(points, dtype=torch.float64).unbind(dim=1) for points in POINTS[name])
    assert (DISTANCES[name](*inside) < 0).all()
    assert (DISTANCES[name](*outside) > 0).all()


def mask_of(image):
    """Return the pixels of the shape of an image of two plain greys: those unlike most of the border."""
    bright = image > (int(image.min()) + int(image.max())) / 2
    border = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    return bright != (border.mean() > 0.5)


def looks_of(mask):
    """Measure what `LOOKS` states."""
    outline = binary_fill_holes(mask)
    edges = [(0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)]
    hull = ConvexHull(np.concatenate([np.argwhere(outline) + edge for edge in edges]))
    length = pdist(hull.points[hull.vertices]).max()
    return (outline.sum() > mask.sum(), outline.sum() / (pi * length**2 / 4), outline.sum() / hull.volume)


def plain(monkeypatch):
    """Return 600 images of two plain greys each."""
    for bound in ("MAX_TINT", "MAX_MOTTLE", "NOISE"):
        monkeypatch.setattr(shapes, bound, 0)
    return make(num_train=600, num_test=0).train


def test_large_images_look_like_their_labels(monkeypatch):
    monkeypatch.setattr(shapes, "MIN_RADIUS_PX", 12)
    large = plain(monkeypatch)
    table = np.array(list(LOOKS.values()))
    looks = np.array([looks_of(mask_of(image[0])) for image in large.images], dtype=float)
    nearest = np.abs(looks[:, None] - table).sum(axis=2).argmin(axis=1)
    assert (nearest == large.labels).mean() > 0.9


def test_shapes_stand_out_brighter_or_darker_anywhere_and_in_any_size(monkeypatch):
    images = plain(monkeypatch).images[:, 0]
    masks = np.array([mask_of(image) for image in images])
    greys = [(image[mask].mean(), image[~mask].mean()) for image, mask in zip(images, masks, strict=True)]
    contrasts = np.array([shape - ground for shape, ground in greys])
    assert np.abs(contrasts).min() > 0.2 * 255
    assert 0.4 < (contrasts > 0).mean() < 0.6
    areas = masks.sum(axis=(1, 2))
    assert areas.max() > 4 * areas.min()
    assert masks.any(axis=0)[4:28, 4:28].all()


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_logistic_regression_stays_under_50_percent(made):
    flat = made.train.images[:3_000].reshape(3_000, -1) / np.float32(255)
    model = LogisticRegression(max_iter=20).fit(flat, made.train.labels[:3_000])
    assert model.score(made.test.images.reshape(1_000, -1) / np.float32(255), made.test.labels) < 0.5


def test_a_small_cnn_learns_from_8000_images_what_a_linear_model_does_not(made, cpu):
    torch.manual_seed(0)
    model = LENET.build(SHAPES.shape)
    recipe = replace(at_rate(PHOTOS_CNN, 5e-3), epochs=5, augmentation=())
    settings = {"device": cpu, "layout": torch.contiguous_format, "precision": "fp32", "mode": "eager"}
    fit(model, Resident.of(made.train, cpu, num_classes=10), recipe=recipe, seed=0, **settings)
    test = Resident.of(made.test, cpu, num_classes=10)
    answers = predict(model, test, precision="fp32", layout=torch.contiguous_format)
    share = (answers.argmax(dim=1) == test.labels).double().mean()
    assert share >= 0.85


def test_images_are_made_once_and_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(shapes, "NUM_TRAIN", 30)
    monkeypatch.setattr(shapes, "NUM_TEST", 20)
    told = []
    made = SHAPES.loader(tmp_path, lambda done, total, _text: told.append((done, total)))
    assert told == [(30, 50), (50, 50)]
    again = SHAPES.loader(tmp_path, lambda *_unused: pytest.fail("made anew"))
    assert again.sha256 == made.sha256 == make(num_train=30, num_test=20).sha256
    monkeypatch.setattr(shapes, "VERSION", 0)
    SHAPES.loader(tmp_path, lambda *_unused: None)
    assert len(list((tmp_path / "made").glob("shapes-*.npz"))) == 2
