import numpy as np
import pytest
from sklearn import datasets

from vitcnn.tasks import tasks
from vitcnn.tasks.digits import every_fifth_of_each_class, load_digits

BUNCH = datasets.load_digits()


@pytest.fixture(scope="module")
def digits():
    return load_digits()


def test_both_parts_hold_all_1797_images(digits):
    assert len(digits.train.labels) == 1442
    assert len(digits.test.labels) == 355
    assert len(digits.train.images) == 1442
    assert len(digits.test.images) == 355
    assert len(BUNCH.target) == 1442 + 355


@pytest.mark.parametrize("part", ["train", "test"])
def test_images_are_bytes_of_28_px_and_labels_int64(digits, part):
    split = getattr(digits, part)
    assert split.images.dtype == np.uint8
    assert split.images.shape[1:] == (1, 28, 28)
    assert split.labels.dtype == np.int64
    assert split.images.max() == 255
    assert split.images.min() == 0


def test_every_class_has_a_fifth_of_its_images_in_the_test_part(digits):
    totals = np.bincount(BUNCH.target)
    assert np.array_equal(np.bincount(digits.test.labels), totals // 5)
    assert np.array_equal(np.bincount(digits.train.labels), totals - totals // 5)


def test_parts_are_disjoint(digits):
    seen = {image.tobytes() for image in digits.train.images}
    assert len(seen) == 1442, "no two images are alike, so the bytes tell them apart"
    assert seen.isdisjoint(image.tobytes() for image in digits.test.images)


def test_split_is_the_same_at_every_call(digits):
    again = load_digits()
    for part in ("train", "test"):
        assert np.array_equal(getattr(again, part).images, getattr(digits, part).images)
        assert np.array_equal(getattr(again, part).labels, getattr(digits, part).labels)


def test_images_carry_their_own_labels(digits):
    fifth = np.flatnonzero(BUNCH.target == 7)[4]
    position = int(np.count_nonzero(every_fifth_of_each_class(BUNCH.target)[:fifth]))
    assert digits.test.labels[position] == 7
    small = digits.test.images[position, 0].reshape(7, 4, 7, 4).mean((1, 3))
    coarse = np.kron(BUNCH.images[fifth], np.ones((7, 7))).reshape(7, 8, 7, 8).mean((1, 3))
    assert np.corrcoef(small.ravel(), coarse.ravel())[0, 1] > 0.98


def test_every_fifth_of_each_class_by_hand():
    labels = np.array([0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 1, 1])
    # zeros at 0 2 3 5 7 8, the fifth is 7; ones at 1 4 6 9 10 11, the fifth is 10
    assert np.flatnonzero(every_fifth_of_each_class(labels)).tolist() == [7, 10]


def test_task_describes_its_data(digits):
    entry = tasks()["digits"]
    assert (entry.shape.px, entry.shape.channels, entry.shape.num_classes) == (28, 1, 10)
    assert entry.classes == tuple("0123456789")
    assert entry.source
